@testable import Envelope

/// Wraps and unwraps a data key of fixed bytes, without a message.
enum TestWrapping {
  static func wrap(
    _ keyring: any Keyring, context: [UInt8] = [1, 2, 3]
  ) throws -> EncryptedDataKey {
    try keyring.wrap(
      WrapRequest(dataKey: DataKey(bytes: SecretBytes(patternBytes(32))), context: context))
  }

  static func unwrap(
    _ keyring: any Keyring, _ key: EncryptedDataKey, context: [UInt8] = [1, 2, 3]
  ) throws -> [UInt8]? {
    guard let dataKey = try keyring.unwrap(key, context: context) else { return nil }
    return dataKey.bytes.exposed
  }
}
