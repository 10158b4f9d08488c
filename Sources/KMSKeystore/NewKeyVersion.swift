import Envelope
import Foundation
import KMSAPI

/// Material for a version that is to be stored. A class, because it holds a secret and stands in a
/// list.
package final class NewKeyVersion {
  /// The name under which other programs' messages know the key.
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
  /// DER, of key pairs.
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

  /// Fresh material of a spec.
  package convenience init(generating spec: KeySpec) throws {
    switch try spec.requireMaterial() {
    case .aes256: self.init(material: try .random(count: 32))
    case .hmac(let algorithm): self.init(material: try .random(count: algorithm.digest.length))
    case .keyPair(let kind): try self.init(keyPair: try KeyPair.generate(kind))
    }
  }

  /// Material that comes from outside: bytes of a symmetric key, PKCS #8 of a private one. Throws
  /// `CryptoError.invalidKey` where it is none of the spec's.
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

  /// The row of the version, wrapped.
  package func record(
    ofKey keyID: String, version: Int64, creationDate: Int64, rotationType: RotationType? = nil,
    validTo: Int64? = nil, description: String? = nil, auditSequence: Int64?,
    _ unlocked: UnlockedKeystore
  ) throws -> KeyVersionRecord {
    let (nonce, wrapped) = try unlocked.wrap(bytes, keyID: keyID, version: version)
    return KeyVersionRecord(
      keyID: keyID, version: version, creationDate: creationDate,
      publicKey: subjectPublicKeyInfo.map { Data($0) },
      fingerprint: try subjectPublicKeyInfo.map {
        Hexadecimal.encode(try Digest.sha256.hash($0))
      },
      foreignProviderID: foreignName?.providerID, foreignKeyName: foreignName?.keyName,
      foreignPadding: foreignName?.padding, nonce: nonce, wrappedMaterial: wrapped,
      materialID: try unlocked.materialID(bytes, keyID: keyID), rotationType: rotationType,
      validTo: validTo, materialDescription: description, auditSequence: auditSequence)
  }
}
