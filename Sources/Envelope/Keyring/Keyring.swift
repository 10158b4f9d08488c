/// Who can wrap a data key and unwrap it again (specification, `framework/keyring-interface.md`).
public protocol Keyring {
  /// The wrapping keys this keyring has, for a message that says which keys were offered.
  var keyDescriptions: [String] { get }

  /// Wraps `dataKey`, bound to the serialized encryption context where the algorithm can.
  func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey

  /// Unwraps `encrypted`; nil where it is not one of this keyring's or does not authenticate.
  /// Throws where the keyring itself cannot work.
  func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey?
}

/// A data key to wrap, and the serialized encryption context to bind it to.
public struct WrapRequest: ~Copyable {
  let dataKey: DataKey
  let context: [UInt8]
}

/// No key at hand opens a message.
public struct NoMatchingKeyError: Error, Equatable, Sendable {
  /// A key that wrapped the data key.
  public struct WrappingKey: Equatable, Sendable {
    public let providerID: String
    public let keyName: String
  }

  /// Which keys the message is wrapped under.
  public let wanted: [WrappingKey]
  /// Which keys were tried or stood ready.
  public let offered: [String]
}

/// Where a message's data key comes from: the specification's cryptographic materials manager, as
/// far as decryption needs it.
public protocol DecryptionMaterialsProvider {
  /// The plaintext data key of the message with this header. Nothing has authenticated it yet.
  func dataKey(for header: MessageHeader) throws -> DataKey
}

/// Asks several keyrings in turn; any one of them opens a message (specification,
/// `framework/multi-keyring.md`).
public struct MultiKeyring: DecryptionMaterialsProvider {
  private let keyrings: [any Keyring]

  public init(_ keyrings: [any Keyring]) { self.keyrings = keyrings }

  public func dataKey(for header: MessageHeader) throws -> DataKey {
    let context = try header.encryptionContext.serialized()
    for keyring in keyrings {
      for encrypted in header.encryptedDataKeys {
        guard let dataKey = try keyring.unwrap(encrypted, context: context),
          dataKey.bytes.count == header.suite.dataKeyLength
        else { continue }
        return dataKey
      }
    }
    throw NoMatchingKeyError(
      wanted: header.encryptedDataKeys.map {
        .init(providerID: $0.providerID, keyName: $0.keyName)
      },
      offered: keyrings.flatMap(\.keyDescriptions))
  }
}
