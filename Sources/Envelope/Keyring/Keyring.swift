import Synchronization

/// An object that can wrap a data key and unwrap it again (specification,
/// `framework/keyring-interface.md`). Only this package sees the bytes of data keys, so a keyring of
/// another program has to pass its calls on to a keyring of this package.
public protocol Keyring: Sendable {
  /// The wrapping keys that this keyring has, for an error that says which keys were offered.
  var keyDescriptions: [String] { get }

  /// The name in messages of the key that `wrap` wraps under; nil for a keyring that does not wrap.
  var wrappingKey: WrappingKeyName? { get }

  /// False for a public key alone, which can only wrap.
  var canUnwrap: Bool { get }

  /// Returns the data key of `request`, wrapped, and bound to the serialized encryption context if
  /// the algorithm supports that. Throws if the keyring cannot wrap.
  func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey

  /// Returns the data key in `encrypted`; nil if another keyring wrapped it, or if it does not
  /// authenticate. `context` is the serialized encryption context. Throws if the keyring itself cannot work. Throws `authenticationFailed` if the caller must not be
  /// able to distinguish a failed unwrapping from a data key that does not open the message.
  func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey?

  /// Does the same for the message with this ID. The ID is for the records of a keyring; nothing is
  /// bound to it.
  func unwrap(
    _ encrypted: EncryptedDataKey, context: [UInt8], messageID: [UInt8]
  ) throws -> DataKey?

  /// Returns the keyrings to try in turn for `encrypted`: this keyring itself, unless it has
  /// several keys that the message may mean. If one of them unwraps to a data key that does not
  /// open the message, the rest are still tried.
  func candidates(for encrypted: EncryptedDataKey) throws -> [any Keyring]
}

extension Keyring {
  /// True.
  public var canUnwrap: Bool { true }
  /// Calls `unwrap(_:context:)`.
  public func unwrap(
    _ encrypted: EncryptedDataKey, context: [UInt8], messageID: [UInt8]
  ) throws -> DataKey? {
    try unwrap(encrypted, context: context)
  }
  /// Returns this keyring.
  public func candidates(for encrypted: EncryptedDataKey) throws -> [any Keyring] { [self] }
}

/// A data key to wrap, and the serialized encryption context to bind it to.
public struct WrapRequest: ~Copyable {
  let dataKey: DataKey
  package let context: [UInt8]
  /// The ID of the message that gets the data key; empty if there is none. Nothing is bound to it.
  package let messageID: [UInt8]

  init(dataKey: consuming DataKey, context: [UInt8], messageID: [UInt8] = []) {
    self.dataKey = dataKey
    self.context = context
    self.messageID = messageID
  }
}

/// An error of a key that cannot be used now. Another key may still open the message.
package protocol KeyObstacle: Error {
  /// True if the key does not exist.
  var isMissingKey: Bool { get }
}

/// The error for a message that none of the available keys opens. A wrong encryption context causes
/// it too, because a wrapped data key is bound to its context.
public struct NoMatchingKeyError: Error, Equatable, Sendable {
  /// The keys that the message is wrapped under.
  public let wanted: [WrappingKeyName]
  /// The keys that were available, as `Keyring.keyDescriptions` names them.
  public let offered: [String]
}

/// A source of the data keys of messages: the cryptographic materials manager of the specification
/// (`framework/cmm-interface.md`), as far as decryption needs it.
public protocol DecryptionMaterialsProvider: Sendable {
  /// Lends `body` the plaintext data key of the message with this header, and returns its result.
  /// Nothing has authenticated the data key yet. If `body` finds that the data key does not open the
  /// message, it returns nil, and the other keys are tried, as after a failed unwrapping. Throws if
  /// no key opens the message.
  func open<Opened: ~Copyable>(
    _ header: MessageHeader, _ body: (borrowing DataKey) throws -> Opened?
  ) throws -> Opened
}

/// A keyring that tries several keyrings in turn; any one of them opens a message (specification,
/// `framework/multi-keyring.md`).
public final class MultiKeyring: DecryptionMaterialsProvider {
  private let keyrings: [any Keyring]
  private let makeOthers: @Sendable () throws -> [any Keyring]
  private let others = Mutex<Result<[any Keyring], any Error>?>(nil)

  /// Tries `keyrings` in their order, then `others`, which are made when none of `keyrings` opens a
  /// message, and only once.
  public init(
    _ keyrings: [any Keyring], others: @escaping @Sendable () throws -> [any Keyring] = { [] }
  ) {
    self.keyrings = keyrings
    makeOthers = others
  }

  /// Lends `body` the data key of the message with this header, as unwrapped by the first keyring
  /// that can, and returns its result.
  ///
  /// Throws `NoMatchingKeyError` if no keyring unwraps a data key,
  /// `CryptoError.authenticationFailed` if the data keys that they unwrap do not open the message,
  /// and the errors of keyrings that cannot work.
  public func open<Opened: ~Copyable>(
    _ header: MessageHeader, _ body: (borrowing DataKey) throws -> Opened?
  ) throws -> Opened {
    let context = try header.encryptionContext.serialized()
    // Report a key that cannot be used now only if no other key opens the message.
    var obstacle: (any Error)?
    if let opened = try open(header, with: keyrings, context, obstacle: &obstacle, body) {
      return opened
    }
    let others = try self.others.withLock { others in
      let made = others ?? Result { try makeOthers() }
      others = made
      return try made.get()
    }
    if let opened = try open(header, with: others, context, obstacle: &obstacle, body) {
      return opened
    }
    if let obstacle { throw obstacle }
    throw NoMatchingKeyError(
      wanted: header.encryptedDataKeys.map(\.wrappingKey),
      offered: (keyrings + others).flatMap(\.keyDescriptions))
  }

  private func open<Opened: ~Copyable>(
    _ header: MessageHeader, with keyrings: [any Keyring], _ context: [UInt8],
    obstacle: inout (any Error)?, _ body: (borrowing DataKey) throws -> Opened?
  ) throws -> Opened? {
    for keyring in keyrings {
      for encrypted in header.encryptedDataKeys {
        for candidate in try Self.candidates(of: keyring, for: encrypted, obstacle: &obstacle) {
          do {
            guard
              let dataKey = try candidate.unwrap(
                encrypted, context: context, messageID: header.messageID)
            else { continue }
            // The following steps must not distinguish a data key that does not open the message
            // from one that does not unwrap.
            guard dataKey.bytes.count == header.suite.dataKeyLength, let opened = try body(dataKey)
            else { throw CryptoError.authenticationFailed }
            return opened
          } catch {
            try Self.note(error, as: &obstacle)
          }
        }
      }
    }
    return nil
  }

  private static func candidates(
    of keyring: any Keyring, for encrypted: EncryptedDataKey, obstacle: inout (any Error)?
  ) throws -> [any Keyring] {
    do {
      return try keyring.candidates(for: encrypted)
    } catch {
      try note(error, as: &obstacle)
      return []
    }
  }

  /// Notes the reason why one key does not open the message; other keys may open it. Rethrows every
  /// other error.
  private static func note(_ error: any Error, as obstacle: inout (any Error)?) throws {
    switch error {
    case CryptoError.authenticationFailed: break
    case is any KeyObstacle:
      // A key that exists but cannot be used is a better answer than a key that does not exist.
      if let known = obstacle as? any KeyObstacle, known.isMissingKey { obstacle = nil }
    default: throw error
    }
    obstacle = obstacle ?? error
  }
}
