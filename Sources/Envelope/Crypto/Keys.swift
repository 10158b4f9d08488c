/// A plaintext data key (specification, `framework/structures.md`, "Plaintext Data Key"): the input
/// to the key derivation of a message. Keyrings wrap it. Only this package can read it.
public struct DataKey: ~Copyable, Sendable {
  let bytes: SecretBytes

  init(bytes: consuming SecretBytes) { self.bytes = bytes }
}

/// The key that seals the header and the frames of a message. It is derived from the data key, or
/// is the data key itself in suites without key derivation.
struct MessageKey: ~Copyable, Sendable {
  let bytes: SecretBytes

  /// A second owner of the same key.
  borrowing func duplicate() -> MessageKey { MessageKey(bytes: bytes.duplicate()) }
}

/// An AES key that wraps other keys.
public struct WrappingKey: ~Copyable, Sendable {
  let bytes: SecretBytes

  /// Takes over the bytes of a key. Throws `CryptoError.invalidKey` unless there are 16, 24 or 32.
  public init(bytes: consuming SecretBytes) throws(CryptoError) {
    guard [16, 24, 32].contains(bytes.count) else {
      throw .invalidKey("an AES key has 16, 24 or 32 bytes, this one has \(bytes.count)")
    }
    self.bytes = bytes
  }
}
