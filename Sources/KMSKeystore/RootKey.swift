import Envelope

/// The key of the keystore itself. It wraps every version of a master key and authenticates every
/// record.
struct RootKey: ~Copyable, Sendable {
  static let length = 32
  let bytes: SecretBytes
}

/// The key that a protector derives from its passphrase or key file to wrap the root key.
struct ProtectorKey: ~Copyable, Sendable {
  let bytes: SecretBytes
}
