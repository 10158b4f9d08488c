import COpenSSL

/// The hash functions of the message format, of RSA paddings and of the KMS API's algorithms.
package enum Digest: String, Sendable {
  case sha1, sha224, sha256, sha384, sha512

  /// Bytes of a digest.
  package var length: Int {
    switch self {
    case .sha1: 20
    case .sha224: 28
    case .sha256: 32
    case .sha384: 48
    case .sha512: 64
    }
  }

  var implementation: OpaquePointer {
    switch self {
    case .sha1: EVP_sha1()
    case .sha224: EVP_sha224()
    case .sha256: EVP_sha256()
    case .sha384: EVP_sha384()
    case .sha512: EVP_sha512()
    }
  }

  /// The digest of `bytes`.
  package func hash(_ bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
    LibCrypto.prepare()
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    try LibCrypto.check(
      EVP_Digest(bytes, bytes.count, &digest, &length, implementation, nil), "EVP_Digest")
    return Array(digest.prefix(Int(length)))
  }
}
