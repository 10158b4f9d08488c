import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import KMSTemplates
@testable import TestSupport

/// The time at which a process's records are in the log, and the reports about records that are
/// not.
@Suite struct RecordLossTests {
  let keystore: TestKeystore
  let key: String
  var path: FilePath { keystore.service.keystore.path }
  var log: FilePath { AuditLog.path(beside: path) }

  init() throws {
    keystore = try TestKeystore()
    key = try keystore.service.createKey().keyID
  }

  final class Told: @unchecked Sendable { var errors: [any Error] = [] }

  /// Opens the keystore as another process would.
  func opened(_ told: Told = Told()) throws -> KeyService {
    try KeyService(
      try Keystore(at: path), secrets: TestSecrets(), tellUnrecorded: { told.errors.append($0) })
  }

  func count() throws -> Int {
    var count = 0
    _ = try UnverifiedAuditLog(log).read(after: .none) { _ in count += 1 }
    return count
  }

  func use(_ service: KeyService, times: Int) throws -> any Keyring {
    let keyring = try service.wrappingKeyring(key)
    for _ in 0..<times { _ = try TestWrapping.wrap(keyring) }
    return keyring
  }

  /// Each record is in the log at once, while the service and a keyring are still in use.
  @Test func eachRecordIsThereAtOnce() throws {
    let service = try opened()
    let keyring = try use(service, times: 5)
    #expect(try count() == 6)
    #expect(service.finishRecords())
    withExtendedLifetime((service, keyring)) {}
  }

  /// A run over many files keeps records back until it reports its end.
  @Test func recordsThatAreKeptBackAreThereAtTheEnd() throws {
    let service = try opened()
    let leftovers = Leftovers()
    leftovers.watch()
    service.host.keepRecordsBack(until: leftovers)
    let keyring = try use(service, times: 300)
    #expect(service.finishRecords())
    #expect(try count() == 301)
    withExtendedLifetime((service, keyring)) {}
  }

  /// The first record is appended at once, the next 256 together.
  @Test func noMoreThanABatchIsKeptBack() throws {
    let service = try opened()
    let leftovers = Leftovers()
    leftovers.watch()
    service.host.keepRecordsBack(until: leftovers)
    let keyring = try use(service, times: 1 + AuditTrail.batch)
    #expect(try count() == 2 + AuditTrail.batch)
    withExtendedLifetime((service, keyring)) {}
  }

  /// Records are appended after a short time, even if no more records follow and the run goes on
  /// for a long time.
  @Test func nothingIsKeptBackForLong() throws {
    let service = try opened()
    let leftovers = Leftovers()
    leftovers.watch()
    service.host.keepRecordsBack(until: leftovers)
    let keyring = try use(service, times: 3)
    let deadline = ContinuousClock.now + .seconds(60)
    while try count() < 4, ContinuousClock.now < deadline { usleep(1000) }
    #expect(try count() == 4)
    withExtendedLifetime((service, keyring)) {}
  }

  /// A process that does not watch for signals cannot write its records before a signal ends it.
  @Test func withoutSignalsNothingIsKeptBack() throws {
    let service = try opened()
    service.host.keepRecordsBack(until: Leftovers())
    let keyring = try use(service, times: 10)
    #expect(try count() == 11)
    withExtendedLifetime((service, keyring)) {}
  }

  // MARK: A log that cannot be written

  func putADirectoryInItsPlace() throws {
    try FileManager.default.removeItem(atPath: log.string)
    try FileManager.default.createDirectory(atPath: log.string, withIntermediateDirectories: false)
  }

  @Test(arguments: [false, true])
  func itKeepsNobodyFromTheKeysButIsToldOnce(inBatches: Bool) throws {
    try putADirectoryInItsPlace()
    let told = Told()
    let service = try opened(told)
    let leftovers = Leftovers()
    leftovers.watch()
    if inBatches { service.host.keepRecordsBack(until: leftovers) }
    let blob = try service.encrypt("text", under: key)
    #expect(try service.decrypt(blob) == "text")
    _ = try use(service, times: 10)
    try service.perform(DisableKeyRequest(keyID: key))
    #expect(try service.describe(key).keyState == .disabled)
    #expect(!service.finishRecords())
    #expect(told.errors.map { $0 as? AuditError } == [.notAFile(log)])
  }

  /// Another process holds the lock for a while during a run: no record is lost.
  @Test func whatCouldNotBeWrittenInTimeIsWrittenAtTheEnd() throws {
    let told = Told()
    let service = try opened(told)
    let leftovers = Leftovers()
    leftovers.watch()
    service.host.keepRecordsBack(until: leftovers)
    let other = open(log.string, O_RDONLY)
    #expect(flock(other, LOCK_SH) == 0)
    let keyring = try use(service, times: 600)
    #expect(try count() == 1)
    close(other)
    #expect(service.finishRecords() && told.errors.isEmpty)
    #expect(try count() == 601)
    withExtendedLifetime((service, keyring)) {}
  }

  // MARK: A keystore that requires records

  func required() throws -> KeyService {
    let service = try opened()
    try service.requireAudit(true)
    return try opened()
  }

  @Test func ofSuchAKeystoreNothingIsKeptBack() throws {
    let service = try required()
    let leftovers = Leftovers()
    leftovers.watch()
    service.host.keepRecordsBack(until: leftovers)
    let keyring = try use(service, times: 20)
    #expect(try count() == 22)
    withExtendedLifetime((service, keyring)) {}
  }

  /// Every operation that uses a key fails if the use cannot be recorded.
  @Test func withoutARecordThereIsNoKey() throws {
    let blob = try keystore.service.encrypt("text", under: key)
    let wrapped = try TestWrapping.wrap(try keystore.service.wrappingKeyring(key))
    let mac = try keystore.service.createKey(spec: .hmac256).keyID
    let service = try required()
    let keyring = try service.wrappingKeyring(key)
    let opening = KeystoreKeyring(service, unwrappingUnder: nil)
    #expect(try TestWrapping.unwrap(opening, wrapped) != nil)
    try putADirectoryInItsPlace()
    let again = try opened()
    let uses: [(String, (KeyService) throws -> Void)] = [
      ("Encrypt", { _ = try $0.encrypt("text", under: key) }),
      ("Decrypt", { _ = try $0.decrypt(blob) }),
      ("Decrypt that fails", { _ = try $0.decrypt(blob, context: ["a": "b"]) }),
      ("GenerateDataKey", { try $0.perform(GenerateDataKeyRequest(keyID: key, keySpec: .aes256)) }),
      (
        "GenerateMac",
        {
          try $0.perform(
            GenerateMacRequest(
              keyID: mac, message: Blob([1]), macAlgorithm: .hmacSHA256))
        }
      ),
      (
        "ReEncrypt",
        { try $0.perform(ReEncryptRequest(ciphertextBlob: blob, destinationKeyID: key)) }
      ),
      ("export", { _ = try $0.exportKey(key).file }),
      ("a file to encrypt", { _ = try TestWrapping.wrap(try $0.wrappingKeyring(key)) }),
      (
        "a file to decrypt",
        { _ = try TestWrapping.unwrap(KeystoreKeyring($0, unwrappingUnder: nil), wrapped) }
      ),
      ("a keyring from before", { _ in _ = try TestWrapping.wrap(keyring) }),
      ("the same, to decrypt", { _ in _ = try TestWrapping.unwrap(opening, wrapped) }),
    ]
    for (name, use) in uses {
      #expect(throws: UnrecordedError.self, "\(name)") { try use(again) }
    }
  }

  /// A change that cannot be recorded is not committed.
  @Test func withoutARecordThereIsNoChange() throws {
    _ = try required()
    try putADirectoryInItsPlace()
    let service = try opened()
    #expect(throws: UnrecordedError.self) {
      try service.perform(DisableKeyRequest(keyID: key))
    }
    #expect(throws: UnrecordedError.self) { try service.createKey() }
    let template = "Resources: {Key: {Type: AWS::KMS::Key, Properties: {}}}"
    #expect(throws: UnrecordedError.self) {
      try service.applyStack(
        StackRequest(template: try Template(parsing: Array(template.utf8)), stackName: "s"))
    }
    #expect(throws: UnrecordedError.self) { try service.requireAudit(false) }
    try FileManager.default.removeItem(atPath: log.string)
    let after = try opened()
    #expect(try after.describe(key).keyState == .enabled)
    #expect(try after.listKeys().count == 1)
    #expect(try after.stacks().isEmpty)
    #expect(after.keystore.requiresAudit)
  }

  @Test func aStoreIsMadeSo() throws {
    let path = keystore.directory.path.appending("other.db")
    let made = try Keystore.create(at: path, protector: .none, requiresAudit: true) {
      try KeyService($0, secrets: TestSecrets()).createKey()
    }
    #expect(made.requiresAudit)
    #expect(try Keystore(at: path).requiresAudit)
    #expect(try !Keystore(at: self.path).requiresAudit)
  }

  @Test func theOwnerChangesItAndTheLogSaysSo() throws {
    try opened().requireAudit(true)
    #expect(try opened().keystore.requiresAudit)
    let other = try keystore.service(of: "other")
    let error = #expect(throws: KeyServiceError.self) { try other.requireAudit(false) }
    #expect(error?.name == "AccessDeniedException")
    try opened().requireAudit(false)
    #expect(try !opened().keystore.requiresAudit)
    var records: [String] = []
    try opened().readAuditLog { records.append("\($1.operation) \($1.errorCode)") }
    #expect(
      records.suffix(3) == [
        "RequireAudit ", "StopRequiringAudit AccessDeniedException", "StopRequiringAudit ",
      ])
    #expect(try opened().check().damage.isEmpty)
  }

  /// An earlier copy of the keystore's own row says that auditing is not required, and its code is
  /// valid.
  @Test func theRowFromBeforeIsRefused() throws {
    let before = try TestKeystore.byHand(path).read { db in
      try KeystoreRecord.all(db).first
    }
    try opened().requireAudit(true)
    try TestKeystore.byHand(path).write { try before?.update($0) }
    let service = try opened()
    #expect(!service.keystore.requiresAudit)
    #expect(throws: KeystoreError.self) { try service.encrypt("text", under: key) }
    #expect(throws: KeystoreError.self) { try service.wrappingKeyring(key) }
  }
}
