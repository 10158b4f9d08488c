import Foundation
import GRDB
import SystemPackage

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService

/// A clock that a test sets from one thread.
final class TestClock: @unchecked Sendable {
  var now = Date(timeIntervalSince1970: 1_700_000_000)

  func advance(days: Double) { now += days * 86_400 }
}

/// A keystore for one test, with its own clock.
final class TestKeystore {
  let directory: TemporaryDirectory
  let clock = TestClock()
  let service: KeyService

  /// Opens the file without the constraints that keep its rows consistent.
  static func byHand(_ path: FilePath) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    return try DatabaseQueue(path: path.string, configuration: configuration)
  }

  init() throws {
    directory = try TemporaryDirectory()
    let clock = clock
    service = try KeyService(
      try Keystore.create(
        at: directory.path.appending("keystore.db"), protector: .none, now: clock.now),
      secrets: TestSecrets(), now: { clock.now })
  }

  /// Opens the same file again.
  func reopened(_ listener: KeyServiceListener = KeyServiceListener()) throws -> KeyService {
    let clock = clock
    return try KeyService(
      KeyServiceHost(
        try Keystore(at: service.keystore.path), secrets: TestSecrets(), clock: { clock.now },
        listener: listener))
  }

  /// Opens the same file as another caller.
  func service(
    for caller: Caller, secrets: any UnlockingSecrets = TestSecrets()
  ) throws -> KeyService {
    let clock = clock
    return try KeyService(
      KeyServiceHost(
        try Keystore(at: service.keystore.path), secrets: secrets, clock: { clock.now }),
      caller: caller)
  }

  /// Opens the same file as a user who does not own it.
  func service(of userName: String) throws -> KeyService {
    try service(for: Caller(userName: userName, isOwner: false))
  }
}

/// A suite whose tests each have a keystore of their own.
class KeystoreSuite {
  let keystore: TestKeystore
  var service: KeyService { keystore.service }
  var clock: TestClock { keystore.clock }

  init() throws { keystore = try TestKeystore() }

  /// Returns the API's name of the error that `body` throws; nil if it throws no error of the API.
  func name(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return (error as? KeyServiceError)?.name
    }
  }
}

extension KeyService {
  /// Makes the owner's service, with a host of its own.
  init(
    _ keystore: Keystore, secrets: any UnlockingSecrets,
    now: @escaping @Sendable () -> Date = { Date() },
    tellUnrecorded: @escaping @Sendable (any Error) -> Void = { _ in }
  ) throws {
    var listener = KeyServiceListener()
    listener.recordsWereLost = tellUnrecorded
    try self.init(KeyServiceHost(keystore, secrets: secrets, clock: now, listener: listener))
  }

  /// Wraps key material as its owner would, and imports it.
  @discardableResult
  func importMaterial(
    _ material: [UInt8], into keyID: String, validTo: Date? = nil, type: ImportType? = nil,
    token: GetParametersForImportRequest.Response? = nil
  ) throws -> ImportKeyMaterialRequest.Response {
    let parameters =
      try token
      ?? perform(
        GetParametersForImportRequest(
          keyID: keyID, wrappingAlgorithm: .rsaesOAEPSHA256, wrappingKeySpec: .rsa2048))
    let wrapped = try RSAPublicKey(subjectPublicKeyInfo: parameters.publicKey.bytes)
      .encrypt(SecretBytes(material), padding: .oaep(.sha256))
    return try perform(
      ImportKeyMaterialRequest(
        keyID: keyID, importToken: parameters.importToken, encryptedKeyMaterial: Blob(wrapped),
        validTo: validTo,
        expirationModel: validTo == nil ? .keyMaterialDoesNotExpire : .keyMaterialExpires,
        importType: type))
  }

  func encrypt(
    _ text: String, under key: String, context: EncryptionContext? = nil
  ) throws -> Blob {
    try perform(
      EncryptRequest(
        keyID: key, plaintext: SecretBlob(SecretBytes(Array(text.utf8))),
        encryptionContext: context)
    ).ciphertextBlob
  }

  func decrypt(
    _ blob: Blob, context: EncryptionContext? = nil, key: String? = nil
  ) throws -> String {
    let response = try perform(
      DecryptRequest(ciphertextBlob: blob, encryptionContext: context, keyID: key))
    return String(decoding: response.plaintext.exposed, as: UTF8.self)
  }
}

extension SecretBlob {
  convenience init(copying bytes: [UInt8]) { self.init(SecretBytes(bytes)) }

  var exposed: [UInt8] { withBytes { bytes in bytes.withUnsafeBytes { Array($0) } } }
}

/// Does what `KeyService` does for the owner, without an audit record.
extension Keystore {
  @discardableResult
  func addProtector(
    _ protector: consuming NewProtector, secrets: any UnlockingSecrets
  ) throws -> ProtectorDescription {
    let unlocked = try unlock(with: secrets)
    let record = try unlocked.makeProtector(protector, creationDate: Date().milliseconds)
    return try change(unlocked) { try $0.add(record) }
  }

  func removeProtector(_ protectorID: String, secrets: any UnlockingSecrets) throws {
    try change(try unlock(with: secrets)) { try $0.removeProtector(protectorID) }
  }
}
