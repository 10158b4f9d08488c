import Synchronization

/// Who can wrap a data key and unwrap it again (specification, `framework/keyring-interface.md`).
public protocol Keyring: Sendable {
  /// The wrapping keys this keyring has, for a message that says which keys were offered.
  var keyDescriptions: [String] { get }

  /// What a message calls the key that `wrap` wraps under; nil for a keyring that does not wrap.
  var wrappingKey: WrappingKeyName? { get }

  /// False for a public key alone, which only wraps.
  var canUnwrap: Bool { get }

  /// Wraps `dataKey`, bound to the serialized encryption context where the algorithm can.
  func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey

  /// Unwraps `encrypted`; nil where it is not one of this keyring's or does not authenticate.
  /// Throws where the keyring itself cannot work, and `authenticationFailed` where it must not be told
  /// apart from a data key that opens nothing.
  func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey?

  /// The keyrings to ask in turn for `encrypted`: this one, unless it has several keys that the message may
  /// mean. One that unwraps to a data key that opens nothing is not the last to be asked.
  func candidates(for encrypted: EncryptedDataKey) throws -> [any Keyring]
}

extension Keyring {
  public var canUnwrap: Bool { true }
  public func candidates(for encrypted: EncryptedDataKey) throws -> [any Keyring] { [self] }
}

/// A data key to wrap, and the serialized encryption context to bind it to.
public struct WrapRequest: ~Copyable {
  let dataKey: DataKey
  let context: [UInt8]
}

/// No key at hand opens a message.
public struct NoMatchingKeyError: Error, Equatable, Sendable {
  /// Which keys the message is wrapped under.
  public let wanted: [WrappingKeyName]
  /// Which keys were tried or stood ready.
  public let offered: [String]
}

/// Where a message's data key comes from: the specification's cryptographic materials manager, as
/// far as decryption needs it.
public protocol DecryptionMaterialsProvider: Sendable {
  /// Lends `body` the plaintext data key of the message with this header, which nothing has
  /// authenticated yet. Where `body` finds that it opens nothing and returns nil, that is as if the
  /// key had not unwrapped: others are tried.
  func open<Opened: ~Copyable>(
    _ header: MessageHeader, _ body: (borrowing DataKey) throws -> Opened?
  ) throws -> Opened
}

/// Asks several keyrings in turn; any one of them opens a message (specification,
/// `framework/multi-keyring.md`).
public final class MultiKeyring: DecryptionMaterialsProvider {
  private let keyrings: [any Keyring]
  private let makeOthers: @Sendable () throws -> [any Keyring]
  private let others = Mutex<Result<[any Keyring], any Error>?>(nil)

  /// `others` are made, once, when none of `keyrings` opens a message.
  public init(
    _ keyrings: [any Keyring], others: @escaping @Sendable () throws -> [any Keyring] = { [] }
  ) {
    self.keyrings = keyrings
    makeOthers = others
  }

  public func open<Opened: ~Copyable>(
    _ header: MessageHeader, _ body: (borrowing DataKey) throws -> Opened?
  ) throws -> Opened {
    let context = try header.encryptionContext.serialized()
    // A key that cannot be used now is the answer only if no other key opens the message.
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
            guard let dataKey = try candidate.unwrap(encrypted, context: context) else { continue }
            // Whatever comes next must not tell a data key that opens nothing from one that does not
            // unwrap.
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

  /// Notes why one key does not open the message, where others may. Throws what is no such reason.
  private static func note(_ error: any Error, as obstacle: inout (any Error)?) throws {
    switch error {
    case CryptoError.authenticationFailed, is KeystoreError: break
    case is KeyServiceError:
      // A key that is there and cannot be used says more than one that is gone.
      if case KeyServiceError.notFound? = obstacle { obstacle = nil }
    default: throw error
    }
    obstacle = obstacle ?? error
  }
}
