import Foundation

/// What somebody did to a stack's resource beside its template, where a plan cannot show it as a change
/// of a property.
public struct StackNotice: Equatable, Sendable {
  public enum Finding: Equatable, Sendable {
    /// The key is deleted; the template makes another one.
    case keyIsGone
    /// The key goes at that time.
    case keyIsPendingDeletion(Date)
    /// The alias is deleted, or was taken over by another stack.
    case aliasIsGone
    /// There is an alias of that name, which the stack did not make.
    case aliasIsTaken
  }

  public let logicalID: String
  public let type: TemplateResourceType
  public let physicalID: String
  public let finding: Finding
}

/// A stack's resources as they are in the keystore now.
struct StackDrift {
  /// The stack without what is gone, and with the properties that its resources have now. Tags that it
  /// never gave its keys are left out: they are somebody else's.
  private(set) var stack: Stack
  private(set) var notices: [StackNotice] = []
  private let view: KeystoreView
  private let now: Int64

  /// `kept` are the resources that the template has still.
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
          // What goes anyway needs no more doing.
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
    // A key that waits for its material is neither.
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
