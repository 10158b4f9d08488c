import COpenSSL
import Glibc

/// An X.509 certificate, as the container of a public key. Who signed it, and for what, is not
/// checked: who names the file decides who the recipient is.
final class Certificate: @unchecked Sendable {
  private let pointer: OpaquePointer

  private init(owning pointer: OpaquePointer) { self.pointer = pointer }
  deinit { X509_free(pointer) }

  /// Reads DER. `isTrusted` is for OpenSSL's "TRUSTED CERTIFICATE", which has more after it. Throws
  /// `invalidKey` if bytes follow it.
  convenience init(der: [UInt8], isTrusted: Bool = false) throws(CryptoError) {
    LibCrypto.prepare()
    var isWhole = false
    let pointer = der.withUnsafeBytes { bytes -> OpaquePointer? in
      let start = bytes.bindMemory(to: UInt8.self).baseAddress
      var cursor = start
      let found =
        isTrusted
        ? d2i_X509_AUX(nil, &cursor, bytes.count) : d2i_X509(nil, &cursor, bytes.count)
      isWhole = start.flatMap { start in cursor.map { $0 - start == bytes.count } } ?? false
      return found
    }
    guard let pointer else {
      ERR_clear_error()
      throw .invalidKey("not a DER certificate")
    }
    self.init(owning: pointer)
    guard isWhole else { throw .invalidKey("a certificate with more bytes after it") }
  }

  /// The key of the holder. Throws `invalidKey` if libcrypto does not know its algorithm.
  func publicKey() throws(CryptoError) -> PKey {
    try PKey(X509_get_pubkey(pointer), else: "a certificate with a key that libcrypto cannot read")
  }

  var validity: CertificateValidity {
    CertificateValidity(
      begin: Self.seconds(X509_get0_notBefore(pointer)),
      end: Self.seconds(X509_get0_notAfter(pointer)))
  }

  /// True if this certificate names the holder of the other one as its issuer, and not itself.
  func isIssued(by other: Certificate) -> Bool {
    let issuer = X509_get_issuer_name(pointer)
    return X509_NAME_cmp(issuer, X509_get_subject_name(other.pointer)) == 0
      && X509_NAME_cmp(issuer, X509_get_subject_name(pointer)) != 0
  }

  /// The seconds since 1970; nil if the certificate does not have a date there.
  private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int? {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else {
      ERR_clear_error()
      return nil
    }
    return timegm(&parts)
  }
}

/// The time in which a certificate is valid, in seconds since 1970.
package struct CertificateValidity: Equatable, Sendable {
  package let begin: Int?
  package let end: Int?
}
