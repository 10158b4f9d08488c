@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService

extension FuzzTarget {
  /// A ciphertext blob, and the structures that keyrings put into a wrapped data key. A parsed
  /// structure is written back unchanged.
  static let blob = FuzzTarget("blob") { bytes in
    if let blob = CiphertextBlob(parsing: bytes) {
      require(blob.bytes == bytes, "a blob is not written as it was read")
    }
    if let information = RawAESKeyInformation(parsing: bytes) {
      require(information.bytes == bytes, "AES information is not written as it was read")
    }
    if let information = RawECDHKeyInformation(parsing: bytes) {
      require(information.bytes == bytes, "ECDH information is not written as it was read")
    }
    if let ciphertext = RawECDHCiphertext(parsing: bytes) {
      require(ciphertext.bytes == bytes, "an ECDH ciphertext is not written as it was read")
    }
    if let name = VersionedKeyName(parsing: bytes) {
      require(VersionedKeyName(parsing: Array(name.text.utf8)) == name, "a key name changes")
    }
  }
}
