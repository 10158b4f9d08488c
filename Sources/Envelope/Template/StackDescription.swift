import Foundation

/// A stack in the form of CloudFormation's DescribeStacks, under the API's names.
public struct StackDescription: Codable, Equatable, Sendable {
  public struct Parameter: Codable, Equatable, Sendable {
    public let parameterKey: String
    public let parameterValue: String
  }

  public struct Output: Codable, Equatable, Sendable {
    public let outputKey: String
    public let outputValue: String
    public let description: String?
    public let exportName: String?
  }

  public let stackID: String
  public let stackName: String
  public let description: String?
  public let parameters: [Parameter]
  public let creationTime: Date
  public let lastUpdatedTime: Date?
  public let stackStatus: String
  public let outputs: [Output]

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
public struct StackDescriptions: Codable, Sendable {
  public let stacks: [StackDescription]

  public init(_ stacks: [StackDescription]) { self.stacks = stacks }
}

/// The response of ListStacks.
public struct StackSummaries: Codable, Sendable {
  public struct Summary: Codable, Sendable {
    public let stackID: String
    public let stackName: String
    public let templateDescription: String?
    public let creationTime: Date
    public let lastUpdatedTime: Date?
    public let stackStatus: String
  }

  public let stackSummaries: [Summary]

  public init(_ stacks: [StackDescription]) {
    stackSummaries = stacks.map {
      Summary(
        stackID: $0.stackID, stackName: $0.stackName, templateDescription: $0.description,
        creationTime: $0.creationTime, lastUpdatedTime: $0.lastUpdatedTime,
        stackStatus: $0.stackStatus)
    }
  }
}
