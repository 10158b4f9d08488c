import Envelope

/// Compares the messages of earlier runs with those that this run would make.
enum MessageDifference {
  /// Returns the function that is true if a message has other wrapping keys or another encryption
  /// context; nil if not all keyrings have a name. Versions of a key do not matter: a message stays
  /// as it is when its key is rotated.
  static func rule(
    _ keyrings: [any Keyring], _ context: EncryptionContext
  ) -> (@Sendable (MessageHeader) -> Bool)? {
    let names = keyrings.map(\.wrappingKey)
    guard names.allSatisfy({ $0 != nil }) else { return nil }
    let wanted = Set(names.compactMap { $0.map(withoutVersion) })
    return { header in
      let found = header.encryptedDataKeys.map { withoutVersion($0.wrappingKey) }
      return Set(found) != wanted || header.encryptionContext.withoutReservedPairs != context
    }
  }

  private static func withoutVersion(_ name: WrappingKeyName) -> WrappingKeyName {
    guard name.providerID == VersionedKeyName.providerID,
      let versioned = VersionedKeyName(parsing: Array(name.keyName.utf8))
    else { return name }
    return WrappingKeyName(providerID: name.providerID, keyName: versioned.keyID)
  }
}
