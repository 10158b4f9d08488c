import Envelope
import KMSAPI
import KMSKeystore

/// A key version that may be used.
protocol KeyInUse {
  var record: MasterKeyRecord { get }
}

/// A key version that may be used now, verified.
struct UsableKey: KeyInUse {
  let record: MasterKeyRecord
  let version: KeyVersionRecord
  private let keys: UnlockedKeystore

  init(record: MasterKeyRecord, version: KeyVersionRecord, keys: UnlockedKeystore) {
    self.record = record
    self.version = version
    self.keys = keys
  }

  func material() throws -> SecretBytes { try keys.unwrap(version) }

  func materialID() throws -> String? {
    guard record.spec == .symmetricDefault else { return nil }
    return try version.materialID ?? keys.materialID(try material(), keyID: record.id)
  }

  /// DER. Throws `unsupportedOperation` for symmetric keys.
  func subjectPublicKeyInfo() throws -> [UInt8] {
    guard let bytes = version.publicKey else {
      throw KeyServiceError.unsupportedOperation(
        "a \(record.spec.rawValue) key has no public key")
    }
    return Array(bytes)
  }

  /// The date on which time alone ends the use of this version.
  var end: Int64 {
    [version.validTo, record.validTo, record.deletionDate].compactMap { $0 }.min() ?? .max
  }

  /// The same for wrapping, which a rotation ends too. A rotation that was due before could not be done.
  func wrappingEnd(from now: Int64) -> Int64 {
    guard let rotation = record.nextRotationDate, rotation > now else { return end }
    return min(end, rotation)
  }
}

/// A key version for a run over messages. Each message is decided by its encryption context.
struct KeyForMessages: KeyInUse {
  let key: UsableKey
  let authorization: Authorization
  /// The moment at which the key was found.
  let moment: KeystoreMoment

  var record: MasterKeyRecord { key.record }
}
