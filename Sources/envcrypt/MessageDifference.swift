import Envelope
import Synchronization

/// Compares the messages of earlier runs with those that this run would make.
final class MessageDifference: Sendable {
  private let wanted: Set<WrappingKeyName>
  private let context: EncryptionContext
  /// The answer for the keys of the last message. Most messages of a tree have the same keys.
  private let latest = Mutex<(found: [WrappingKeyName], haveOtherKeys: Bool)?>(nil)

  /// Nil if not all keyrings have a name.
  init?(_ keyrings: [any Keyring], _ context: EncryptionContext) {
    let names = keyrings.map(\.wrappingKey)
    guard names.allSatisfy({ $0 != nil }) else { return nil }
    wanted = Set(names.compactMap { $0.map(Self.withoutVersion) })
    self.context = context
  }

  /// True if the message has other wrapping keys or another encryption context. Versions of a key do
  /// not matter: a message stays as it is when its key is rotated.
  func isIn(_ header: MessageHeader) -> Bool {
    let found = header.encryptedDataKeys.map(\.wrappingKey)
    return haveOtherKeys(found) || header.encryptionContext.withoutReservedPairs != context
  }

  private func haveOtherKeys(_ found: [WrappingKeyName]) -> Bool {
    latest.withLock { latest in
      if let latest, latest.found == found { return latest.haveOtherKeys }
      let answer = Set(found.map(Self.withoutVersion)) != wanted
      latest = (found, answer)
      return answer
    }
  }

  private static func withoutVersion(_ name: WrappingKeyName) -> WrappingKeyName {
    guard name.providerID == VersionedKeyName.providerID,
      let versioned = VersionedKeyName(parsing: Array(name.keyName.utf8))
    else { return name }
    return WrappingKeyName(providerID: name.providerID, keyName: versioned.keyID)
  }
}
