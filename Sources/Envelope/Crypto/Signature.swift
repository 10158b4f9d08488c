import COpenSSL

/// A signature scheme.
package enum SignatureScheme: Equatable, Sendable {
  /// RSASSA-PSS: MGF1 with the same hash function, a salt as long as the digest.
  case pss(Digest)
  /// RSASSA-PKCS1-v1_5.
  case pkcs1(Digest)
  /// ECDSA with signatures in DER.
  case ecdsa(Digest)
  /// Pure Ed25519, which takes the message, not a digest.
  case ed25519

  package var digest: Digest? {
    switch self {
    case .pss(let digest), .pkcs1(let digest), .ecdsa(let digest): digest
    case .ed25519: nil
    }
  }

  fileprivate func apply(to context: OpaquePointer) throws(CryptoError) {
    if let digest {
      try LibCrypto.check(
        EVP_PKEY_CTX_set_signature_md(context, digest.implementation),
        "EVP_PKEY_CTX_set_signature_md")
    }
    switch self {
    case .pss(let digest):
      try LibCrypto.check(
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING),
        "EVP_PKEY_CTX_set_rsa_padding")
      try LibCrypto.check(
        EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST),
        "EVP_PKEY_CTX_set_rsa_pss_saltlen")
      try LibCrypto.check(
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest.implementation),
        "EVP_PKEY_CTX_set_rsa_mgf1_md")
    case .pkcs1:
      try LibCrypto.check(
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), "EVP_PKEY_CTX_set_rsa_padding")
    case .ecdsa, .ed25519: break
    }
  }
}

/// A private key that signs small messages. The caller must choose a scheme that fits the key.
package struct SigningKey: ~Copyable, Sendable {
  private let key: PKey

  /// Reads DER PKCS#8.
  package init(pkcs8: borrowing SecretBytes) throws(CryptoError) {
    key = try .privateKey(pkcs8: pkcs8)
  }

  /// Signs a message, or the digest of one.
  package func sign(
    _ message: [UInt8], isDigest: Bool, scheme: SignatureScheme
  ) throws(CryptoError) -> [UInt8] {
    guard let digest = scheme.digest else {
      precondition(!isDigest)
      return try signWhole(message)
    }
    let input = isDigest ? message : try digest.hash(message)
    let context = try LibCrypto.check(EVP_PKEY_CTX_new(key.pointer, nil), "EVP_PKEY_CTX_new")
    defer { EVP_PKEY_CTX_free(context) }
    try LibCrypto.check(EVP_PKEY_sign_init(context), "EVP_PKEY_sign_init")
    try scheme.apply(to: context)
    var length = Int(EVP_PKEY_get_size(key.pointer))
    var signature = [UInt8](repeating: 0, count: length)
    try LibCrypto.check(
      EVP_PKEY_sign(context, &signature, &length, input, input.count), "EVP_PKEY_sign")
    return Array(signature.prefix(length))
  }

  private func signWhole(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
    let context = try LibCrypto.check(EVP_MD_CTX_new(), "EVP_MD_CTX_new")
    defer { EVP_MD_CTX_free(context) }
    try LibCrypto.check(
      EVP_DigestSignInit(context, nil, nil, nil, key.pointer), "EVP_DigestSignInit")
    var length = Int(EVP_PKEY_get_size(key.pointer))
    var signature = [UInt8](repeating: 0, count: length)
    try LibCrypto.check(
      EVP_DigestSign(context, &signature, &length, message, message.count), "EVP_DigestSign")
    return Array(signature.prefix(length))
  }
}

/// A public key that verifies signatures over small messages.
package struct VerificationKey: Sendable {
  private let key: PKey

  /// Reads a DER SubjectPublicKeyInfo.
  package init(subjectPublicKeyInfo: [UInt8]) throws(CryptoError) {
    key = try .publicKey(subjectPublicKeyInfo: subjectPublicKeyInfo)
  }

  /// True if `signature` is a signature of the key over a message, or over the digest of one. False
  /// for every defect of the signature.
  package func verifies(
    _ signature: [UInt8], of message: [UInt8], isDigest: Bool, scheme: SignatureScheme
  ) throws(CryptoError) -> Bool {
    guard let digest = scheme.digest else {
      precondition(!isDigest)
      return try verifiesWhole(signature, of: message)
    }
    let input = isDigest ? message : try digest.hash(message)
    let context = try LibCrypto.check(EVP_PKEY_CTX_new(key.pointer, nil), "EVP_PKEY_CTX_new")
    defer { EVP_PKEY_CTX_free(context) }
    try LibCrypto.check(EVP_PKEY_verify_init(context), "EVP_PKEY_verify_init")
    try scheme.apply(to: context)
    defer { ERR_clear_error() }
    return EVP_PKEY_verify(context, signature, signature.count, input, input.count) == 1
  }

  private func verifiesWhole(
    _ signature: [UInt8], of message: [UInt8]
  ) throws(CryptoError) -> Bool {
    let context = try LibCrypto.check(EVP_MD_CTX_new(), "EVP_MD_CTX_new")
    defer { EVP_MD_CTX_free(context) }
    try LibCrypto.check(
      EVP_DigestVerifyInit(context, nil, nil, nil, key.pointer), "EVP_DigestVerifyInit")
    defer { ERR_clear_error() }
    return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
  }
}
