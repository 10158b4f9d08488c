import Envelope
import Synchronization

/// Compares the messages of earlier runs with those that this run would make.
final class MessageDifference: Sendable {
  private struct Found {
    /// The number of messages with each set of wrapping keys, without their versions.
    var counts: [Set<WrappingKeyName>: Int] = [:]
    /// The number of messages with another encryption context.
    var otherContexts = 0
    /// The keys of the last message, as it names them. Most messages of a tree have the same keys.
    var latest: (names: [WrappingKeyName], keys: Set<WrappingKeyName>) = ([], [])
  }

  private let context: EncryptionContext
  private let keyrings: @Sendable () -> [any Keyring]?
  private let found = Mutex(Found())

  /// `keyrings` returns nil as long as the keys of this run are not known.
  init(_ context: EncryptionContext, _ keyrings: @escaping @Sendable () -> [any Keyring]?) {
    self.context = context
    self.keyrings = keyrings
  }

  /// Adds a message that this run leaves as it is.
  func add(_ header: MessageHeader) {
    let hasContext = header.encryptionContext.withoutReservedPairs == context
    let names = header.encryptedDataKeys.map(\.wrappingKey)
    found.withLock { found in
      guard hasContext else {
        found.otherContexts += 1
        return
      }
      if found.latest.names != names {
        found.latest = (names, Set(names.map(Self.withoutVersion)))
      }
      found.counts[found.latest.keys, default: 0] += 1
    }
  }

  /// The number of messages with other wrapping keys or another encryption context than this run
  /// would give them. Versions of a key do not matter: a message stays as it is when its key is
  /// rotated. Wrapping keys do not count if those of this run are not known, or have no names.
  var count: Int {
    let found = found.withLock { $0 }
    guard let keyrings = keyrings() else { return found.otherContexts }
    let names = keyrings.map(\.wrappingKey)
    guard names.allSatisfy({ $0 != nil }) else { return 0 }
    let wanted = Set(names.compactMap { $0.map(Self.withoutVersion) })
    return found.counts.reduce(found.otherContexts) { $0 + ($1.key == wanted ? 0 : $1.value) }
  }

  private static func withoutVersion(_ name: WrappingKeyName) -> WrappingKeyName {
    guard name.providerID == VersionedKeyName.providerID,
      let versioned = VersionedKeyName(parsing: Array(name.keyName.utf8))
    else { return name }
    return WrappingKeyName(providerID: name.providerID, keyName: versioned.keyID)
  }
}
