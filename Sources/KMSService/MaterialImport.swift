import Envelope
import Foundation
import KMSAPI
import KMSKeystore

/// Key material that is being imported.
struct MaterialImport {
  let material: NewKeyVersion
  let materialID: String
  let validTo: Int64?
  let description: String?
  let now: Int64

  func store(
    in record: inout MasterKeyRecord, type: ImportType?, _ transaction: KeystoreTransaction
  ) throws {
    let keys = transaction.keys
    var versions = try transaction.versions(ofKey: record.id)
    // Material that expired while it waited for rotation counts as never imported.
    for version in versions
    where version.version > record.currentVersion && !version.isUsable(at: now) {
      try transaction.delete(version)
      versions.removeAll { $0.version == version.version }
    }
    let known = try versions.first { version in
      // Versions from before IDs were stored have no ID. It is calculated from their material.
      let id =
        try version.materialID
        ?? (version.hasMaterial
          ? keys.materialID(try keys.unwrap(version), keyID: record.id) : nil)
      return id == materialID
    }
    if let known {
      guard type != .newKeyMaterial else {
        throw KeyServiceError.validation("the key already has this material")
      }
      try insert(version: known.version, of: record, replacing: known, transaction)
    } else {
      try insertNew(in: &record, after: versions, type: type, transaction)
    }
    let isComplete = try transaction.noteExpiry(of: &record)
    if record.state == .pendingImport, isComplete { record.state = .enabled }
  }

  private func insertNew(
    in record: inout MasterKeyRecord, after versions: [KeyVersionRecord], type: ImportType?,
    _ transaction: KeystoreTransaction
  ) throws {
    guard !versions.isEmpty else {
      guard type != .existingKeyMaterial else {
        throw KeyServiceError.incorrectKeyMaterial("the key never had any material")
      }
      try insert(version: 1, of: record, replacing: nil, transaction)
      record.currentVersion = 1
      return
    }
    guard type == .newKeyMaterial else {
      throw KeyServiceError.incorrectKeyMaterial(
        "the material is not what the key had; ImportType NEW_KEY_MATERIAL adds it")
    }
    try record.requireRotatableSpec()
    guard record.state != .pendingImport else {
      throw KeyServiceError.invalidState(keyID: record.id, state: record.state)
    }
    guard versions.allSatisfy({ $0.version <= record.currentVersion }) else {
      throw KeyServiceError.limitExceeded(
        "the key already has material that waits for rotation")
    }
    try insert(version: record.currentVersion + 1, of: record, replacing: nil, transaction)
  }

  private func insert(
    version: Int64, of record: MasterKeyRecord, replacing known: KeyVersionRecord?,
    _ transaction: KeystoreTransaction
  ) throws {
    var new = try material.record(
      ofKey: record.id, version: version, creationDate: now, validTo: validTo,
      description: description,
      auditSequence: try transaction.auditSequence(), transaction.keys)
    guard let known else {
      try transaction.insert(new)
      return
    }
    new.creationDate = known.creationDate
    new.rotationType = known.rotationType
    new.materialDescription = description ?? known.materialDescription
    new.foreignProviderID = known.foreignProviderID
    new.foreignKeyName = known.foreignKeyName
    new.foreignPadding = known.foreignPadding
    new.auditSequence = known.auditSequence
    try transaction.update(new)
  }
}

/// The way in which imported material is wrapped.
struct MaterialWrapping {
  let padding: RSAPadding
  /// True if RSA wraps an AES key, and the AES key wraps the material.
  let isTwoStep: Bool

  /// Returns the material; nil if `wrapped` cannot be unwrapped with the key.
  func unwrap(_ wrapped: [UInt8], with key: borrowing RSAPrivateKey) throws -> SecretBlob? {
    let head = isTwoStep ? key.bits / 8 : wrapped.count
    guard wrapped.count >= head else { return nil }
    do throws(CryptoError) {
      let first = try key.decrypt(Array(wrapped.prefix(head)), padding: padding)
      guard isTwoStep else { return SecretBlob(first) }
      return SecretBlob(try AESKeyWrap.unwrap(Array(wrapped.dropFirst(head)), under: first))
    } catch {
      switch error {
      case .authenticationFailed, .invalidKey, .privateKey: return nil
      case .outOfMemory, .libcrypto: throw error
      }
    }
  }
}

extension WrappingAlgorithm {
  /// Returns the way in which the algorithm wraps. Throws `unsupportedOperation` for an algorithm
  /// that KMS does not support any more, and for SM2PKE.
  func scheme() throws(KeyServiceError) -> MaterialWrapping {
    switch self {
    case .rsaesOAEPSHA1: MaterialWrapping(padding: .oaep(.sha1), isTwoStep: false)
    case .rsaesOAEPSHA256: MaterialWrapping(padding: .oaep(.sha256), isTwoStep: false)
    case .rsaAESKeyWrapSHA1: MaterialWrapping(padding: .oaep(.sha1), isTwoStep: true)
    case .rsaAESKeyWrapSHA256: MaterialWrapping(padding: .oaep(.sha256), isTwoStep: true)
    case .rsaesPKCS1:
      throw .unsupportedOperation(
        "RSAES_PKCS1_V1_5 is not supported, because KMS no longer supports it")
    case .sm2PKE: throw .unsupportedOperation("SM2PKE is not supported")
    }
  }
}

/// An import token: the private key that unwraps the material. It is sealed under the root key,
/// together with its purpose. So the holder of the token cannot read the private key.
struct ImportToken {
  let keyID: String
  /// Milliseconds since 1970.
  let validTo: Int64
  let algorithm: WrappingAlgorithm

  /// Returns the token: the length of the purpose, the purpose in the clear, and the sealed key.
  func seal(_ privateKey: borrowing SecretBytes, _ unlocked: UnlockedKeystore) throws -> [UInt8] {
    let head = Array(purpose.utf8)
    return [UInt8(head.count)] + head + (try unlocked.seal(privateKey, purpose: purpose))
  }

  private var purpose: String { "import \(keyID) \(validTo) \(algorithm.rawValue)" }

  /// Opens a token. Throws `invalidImportToken` if the bytes are not a token of this keystore.
  static func open(
    _ bytes: [UInt8], _ unlocked: UnlockedKeystore
  ) throws -> (ImportToken, SecretBlob) {
    guard let count = bytes.first, bytes.count > Int(count),
      let head = String(validating: bytes.dropFirst().prefix(Int(count)), as: UTF8.self)
    else { throw KeyServiceError.invalidImportToken }
    let words = head.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    guard words.count == 4, words[0] == "import", let validTo = Int64(words[2]),
      let algorithm = WrappingAlgorithm(rawValue: words[3]),
      let privateKey = try unlocked.open(
        Array(bytes.dropFirst(1 + Int(count))), purpose: head)
    else { throw KeyServiceError.invalidImportToken }
    return (
      ImportToken(keyID: words[1], validTo: validTo, algorithm: algorithm), SecretBlob(privateKey)
    )
  }
}
