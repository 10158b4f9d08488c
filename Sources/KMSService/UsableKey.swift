import Envelope
import KMSAPI
import KMSKeystore

/// A key version that an operation has found, in order to use it.
protocol KeyInUse {
  var record: MasterKeyRecord { get }
}

/// A verified key version that may be used now.
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

  /// Returns the public key in DER. Throws `unsupportedOperation` for symmetric keys.
  func subjectPublicKeyInfo() throws -> [UInt8] {
    guard let bytes = version.publicKey else {
      throw KeyServiceError.unsupportedOperation(
        "a key of the spec \(record.spec.rawValue) has no public key")
    }
    return Array(bytes)
  }

  /// The date from which this version cannot be used, even if nobody writes to the keystore before.
  var end: Int64 {
    [version.validTo, record.validTo, record.deletionDate].compactMap { $0 }.min() ?? .max
  }

  /// Returns the date from which this version does not wrap any more: `end`, or the next rotation
  /// if that is earlier. Ignores a rotation that is due already. It should have been done before,
  /// so it failed.
  func wrappingEnd(from now: Int64) -> Int64 {
    guard let rotation = record.nextRotationDate, rotation > now else { return end }
    return min(end, rotation)
  }
}

/// A key version for processing messages. The decision about each message depends on its encryption
/// context.
struct KeyForMessages: KeyInUse {
  let key: UsableKey
  let authorization: Authorization
  /// The moment at which the key was found.
  let moment: KeystoreMoment

  var record: MasterKeyRecord { key.record }
}
