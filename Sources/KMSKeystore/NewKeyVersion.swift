import Envelope
import Foundation
import KMSAPI

/// Material for a version that is to be stored. It is a class because it holds a secret and can be
/// an element of a list.
package final class NewKeyVersion {
  /// The name and the padding of the key in messages of other programs.
  package struct ForeignName {
    let providerID: String
    let keyName: String
    /// "pkcs1", or "oaep-mgf1/" and the hash; nil for AES.
    let padding: String?

    package init(providerID: String, keyName: String, padding: String?) {
      self.providerID = providerID
      self.keyName = keyName
      self.padding = padding
    }
  }

  package let bytes: SecretBytes
  /// The public key in DER; nil if the key is not a key pair.
  package let subjectPublicKeyInfo: [UInt8]?
  let foreignName: ForeignName?

  package init(
    material bytes: consuming SecretBytes, subjectPublicKeyInfo: [UInt8]? = nil,
    foreignName: ForeignName? = nil
  ) {
    self.bytes = bytes
    self.subjectPublicKeyInfo = subjectPublicKeyInfo
    self.foreignName = foreignName
  }

  /// Makes new material for a spec.
  package convenience init(generating spec: KeySpec) throws {
    switch try spec.requireMaterial() {
    case .aes256: self.init(material: try .random(count: 32))
    case .hmac(let algorithm): self.init(material: try .random(count: algorithm.digest.length))
    case .keyPair(let kind): try self.init(keyPair: try KeyPair.generate(kind))
    }
  }

  /// Takes material from outside: the bytes of a symmetric key, or a private key in PKCS #8. Throws
  /// `CryptoError.invalidKey` if the material does not fit the spec.
  package convenience init(importing bytes: consuming SecretBytes, for spec: KeySpec) throws {
    let count = bytes.count
    switch try spec.requireMaterial() {
    case .aes256:
      try Self.require(count, 32, spec)
      self.init(material: bytes)
    case .hmac(let algorithm):
      try Self.require(count, algorithm.digest.length, spec)
      self.init(material: bytes)
    case .keyPair(let kind):
      try self.init(keyPair: try KeyPair(pkcs8: bytes, wanted: kind))
    }
  }

  package convenience init(
    keyPair pair: borrowing KeyPair, foreignName: ForeignName? = nil
  ) throws(CryptoError) {
    self.init(
      material: try pair.pkcs8(), subjectPublicKeyInfo: try pair.subjectPublicKeyInfo(),
      foreignName: foreignName)
  }

  private static func require(
    _ count: Int, _ wanted: Int, _ spec: KeySpec
  ) throws(CryptoError) {
    guard count == wanted else {
      throw .invalidKey("a key of the spec \(spec.rawValue) has \(wanted) bytes, not \(count)")
    }
  }

  /// Returns the SHA-256 of the public key, by which messages name a key without a keystore; nil if
  /// the key is not a key pair.
  package func fingerprint() throws(CryptoError) -> String? {
    guard let subjectPublicKeyInfo else { return nil }
    return Hexadecimal.encode(try Digest.sha256.hash(subjectPublicKeyInfo))
  }

  /// Returns the row of the version, with its material wrapped.
  package func record(
    ofKey keyID: String, version: Int64, creationDate: Int64, rotationType: RotationType? = nil,
    validTo: Int64? = nil, description: String? = nil, auditSequence: Int64?,
    _ unlocked: UnlockedKeystore
  ) throws -> KeyVersionRecord {
    let (nonce, wrapped) = try unlocked.wrap(bytes, keyID: keyID, version: version)
    return KeyVersionRecord(
      keyID: keyID, version: version, creationDate: creationDate,
      publicKey: subjectPublicKeyInfo.map { Data($0) },
      fingerprint: try fingerprint(),
      foreignProviderID: foreignName?.providerID, foreignKeyName: foreignName?.keyName,
      foreignPadding: foreignName?.padding, nonce: nonce, wrappedMaterial: wrapped,
      materialID: try unlocked.materialID(bytes, keyID: keyID), rotationType: rotationType,
      validTo: validTo, materialDescription: description, auditSequence: auditSequence)
  }
}
