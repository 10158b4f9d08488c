import Foundation

/// An alias and its target key.
package struct AliasListEntry: Codable, Equatable, Sendable {
  package let aliasName: String
  package let aliasARN: String
  package let targetKeyID: String
  package let creationDate: Date
  package let lastUpdatedDate: Date

  package init(
    aliasName: String, targetKeyID: String, creationDate: Date, lastUpdatedDate: Date
  ) {
    self.aliasName = aliasName
    aliasARN = KeyName.arn(ofAlias: aliasName)
    self.targetKeyID = targetKeyID
    self.creationDate = creationDate
    self.lastUpdatedDate = lastUpdatedDate
  }
}
