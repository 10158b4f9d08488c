import Foundation
import KMSAPI
import KMSKeystore
import KMSPolicy

/// A change to a stack's resource that was made outside its template and that a plan cannot show as
/// a change of a property.
package struct StackNotice: Equatable, Encodable, Sendable {
  package enum Finding: Equatable, Encodable, Sendable {
    /// The key is deleted. The template creates another one.
    case keyIsGone
    /// The key will be deleted at this time.
    case keyIsPendingDeletion(Date)
    /// The alias was deleted, or another stack has taken it over.
    case aliasIsGone
    /// An alias of this name exists, but the stack did not create it.
    case aliasIsTaken
  }

  package let logicalID: String
  package let type: TemplateResourceType
  package let physicalID: String
  package let finding: Finding
}

/// The state of a stack's resources in the keystore now.
struct StackDrift {
  /// The stack without the resources that are gone, and with the current properties of its
  /// resources. Tags that the stack did not set are left out: they belong to somebody else. A plan
  /// adds those that it overwrites.
  private(set) var stack: Stack
  private(set) var notices: [StackNotice] = []
  private let view: KeystoreView
  private let now: Int64

  /// `kept` are the resources that the template still has.
  init(
    of stack: Stack, keeping kept: Set<String>, others: StackStore.Others, at now: Int64,
    in view: KeystoreView
  ) throws {
    self.stack = stack
    self.view = view
    self.now = now
    self.stack.resources = try stack.resources.compactMap { resource in
      var resource = resource
      switch resource.properties {
      case .key(var properties):
        guard let key = try key(resource.physicalID) else {
          note(.keyIsGone, resource)
          return nil
        }
        if key.state == .pendingDeletion {
          note(.keyIsPendingDeletion(Date(milliseconds: key.deletionDate ?? now)), resource)
          // If the template no longer has the key, nothing more needs to be done.
          return kept.contains(resource.logicalID) ? resource : nil
        }
        try update(&properties, from: key)
        resource.properties = .key(properties)
      case .alias(var properties):
        guard others.owner(ofAlias: resource.physicalID) == nil,
          let alias = try view.alias(named: resource.physicalID),
          try key(alias.targetKeyID) != nil
        else {
          note(.aliasIsGone, resource)
          return nil
        }
        properties.targetKeyID = alias.targetKeyID
        resource.properties = .alias(properties)
      }
      return resource
    }
  }

  private func key(_ id: String) throws -> MasterKeyRecord? {
    try view.masterKey(id)?.asOf(now)
  }

  private func update(
    _ properties: inout TemplateKey.Properties, from key: MasterKeyRecord
  ) throws {
    properties.description = key.description
    // A key that waits for its material is neither enabled nor disabled.
    if key.state != .pendingImport { properties.enabled = key.state == .enabled }
    properties.enableKeyRotation = key.rotationPeriodInDays != nil
    properties.rotationPeriodInDays = key.rotationPeriodInDays.map { Int($0) }
    let policy = try view.policy(of: key)
    properties.keyPolicy = policy == KeyPolicy.defaultPolicy.text ? nil : policy
    let tags = try view.tags(ofKey: key.id)
    properties.tags = properties.tags.compactMap { tag in
      guard let found = tags.first(where: { $0.tagKey.utf8.elementsEqual(tag.tagKey.utf8) })
      else { return nil }
      return Tag(tagKey: found.tagKey, tagValue: found.tagValue)
    }
  }

  private mutating func note(_ finding: StackNotice.Finding, _ resource: Stack.Resource) {
    notices.append(
      StackNotice(
        logicalID: resource.logicalID, type: resource.properties.type,
        physicalID: resource.physicalID, finding: finding))
  }
}
