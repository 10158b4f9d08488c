import Foundation

/// A stack in the form of CloudFormation's DescribeStacks, under the API's names.
package struct StackDescription: Codable, Equatable, Sendable {
  package struct Parameter: Codable, Equatable, Sendable {
    package let parameterKey: String
    package let parameterValue: String
  }

  package struct Output: Codable, Equatable, Sendable {
    package let outputKey: String
    package let outputValue: String
    package let description: String?
    package let exportName: String?
  }

  package let stackID: String
  package let stackName: String
  package let description: String?
  package let parameters: [Parameter]
  package let creationTime: Date
  package let lastUpdatedTime: Date?
  package let stackStatus: String
  package let outputs: [Output]

  init(_ entry: StackStore.Entry) {
    let stack = entry.stack
    stackID = stack.stackID
    stackName = stack.name
    description = stack.description
    parameters = stack.parameters.sorted { $0.key < $1.key }.map {
      Parameter(parameterKey: $0.key, parameterValue: $0.value)
    }
    creationTime = Date(milliseconds: entry.record.creationDate)
    lastUpdatedTime = entry.record.lastUpdatedDate.map(Date.init(milliseconds:))
    stackStatus = lastUpdatedTime == nil ? "CREATE_COMPLETE" : "UPDATE_COMPLETE"
    outputs = stack.outputs.map {
      Output(
        outputKey: $0.name, outputValue: $0.value, description: $0.description,
        exportName: $0.exportName)
    }
  }
}

/// The response of DescribeStacks.
package struct StackDescriptions: Codable, Sendable {
  package let stacks: [StackDescription]

  package init(_ stacks: [StackDescription]) { self.stacks = stacks }
}

/// The response of ListStacks.
package struct StackSummaries: Codable, Sendable {
  package struct Summary: Codable, Sendable {
    package let stackID: String
    package let stackName: String
    package let templateDescription: String?
    package let creationTime: Date
    package let lastUpdatedTime: Date?
    package let stackStatus: String
  }

  package let stackSummaries: [Summary]

  package init(_ stacks: [StackDescription]) {
    stackSummaries = stacks.map {
      Summary(
        stackID: $0.stackID, stackName: $0.stackName, templateDescription: $0.description,
        creationTime: $0.creationTime, lastUpdatedTime: $0.lastUpdatedTime,
        stackStatus: $0.stackStatus)
    }
  }
}
