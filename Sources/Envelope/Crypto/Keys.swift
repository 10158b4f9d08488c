/// A plaintext data key: the input of a message's key derivation, and what keyrings wrap.
public struct DataKey: ~Copyable, Sendable {
  let bytes: SecretBytes

  init(bytes: consuming SecretBytes) { self.bytes = bytes }
}

/// The key that seals a message's header and frames: derived from the data key, or the data key
/// itself in the suites without key derivation.
struct MessageKey: ~Copyable, Sendable {
  let bytes: SecretBytes

  /// A second owner of the same key.
  borrowing func duplicate() -> MessageKey { MessageKey(bytes: bytes.duplicate()) }
}

/// An AES key that wraps other keys.
struct WrappingKey: ~Copyable, Sendable {
  let bytes: SecretBytes

  /// Throws `invalidKey` unless there are 16, 24 or 32 bytes.
  init(bytes: consuming SecretBytes) throws(CryptoError) {
    guard [16, 24, 32].contains(bytes.count) else {
      throw .invalidKey("an AES key has 16, 24 or 32 bytes, this one has \(bytes.count)")
    }
    self.bytes = bytes
  }
}

/// The keystore's own key: it wraps every master-key version and authenticates every record.
struct RootKey: ~Copyable, Sendable {
  static let length = 32
  let bytes: SecretBytes
}

/// The key a protector derives from its passphrase or key file, to wrap the root key.
struct ProtectorKey: ~Copyable, Sendable {
  let bytes: SecretBytes
}
