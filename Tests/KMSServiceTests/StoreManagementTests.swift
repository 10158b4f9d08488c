import Foundation
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import KMSTemplates
@testable import TestSupport

/// Only the owner may manage the keystore itself, and the audit log records each operation, whether
/// it was done or refused.
@Suite struct StoreManagementTests {
  let keystore: TestKeystore
  var owner: KeyService { keystore.service }
  let key: String

  init() throws {
    keystore = try TestKeystore()
    key = try keystore.service.createKey(alias: "alias/a").keyID
    // A policy that allows everything to everybody does not make anybody the owner.
    try keystore.service.perform(
      PutKeyPolicyRequest(
        keyID: key,
        policy: """
          {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}}
          """))
  }

  func another() throws -> KeyService {
    try keystore.service(of: "other")
  }

  static let template = """
    Resources:
      a: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/b, TargetKeyId: KEY}}
    """

  private func request(_ text: String = template) throws -> StackRequest {
    let text = text.replacing("KEY", with: key)
    return StackRequest(template: try Template(parsing: Array(text.utf8)), stackName: "s")
  }

  /// Performs one operation. All operations succeed in their order.
  private func perform(_ operation: StoreOperation, by service: KeyService) throws {
    switch operation {
    case .addProtector: _ = try service.addProtector(.passphrase(SecretBytes(Array("p".utf8))))
    case .changePassphrase:
      let added = try owner.keystore.protectors().last { $0.kind == .passphrase }
      try service.changePassphrase(
        of: added?.id ?? "none", to: .passphrase(SecretBytes(Array("q".utf8))))
    case .removeProtector:
      let added = try owner.keystore.protectors().last { $0.kind == .passphrase }
      try service.removeProtector(added?.id ?? "none")
    case .exportAllKeys: _ = try service.exportAllKeys()
    case .pruneAuditLog: _ = try service.pruneAuditLog(before: Date(timeIntervalSince1970: 0))
    case .acceptRecords: _ = try service.acceptRecords()
    case .resetKeyPolicy: try service.resetKeyPolicy(key)
    case .backupKeystore:
      try service.backup(to: keystore.directory.path.appending("copy.db"), replacing: true)
    case .restoreKeystore:
      _ = try service.restore(
        to: keystore.directory.path.appending("restored.db"), replacing: true)
    case .createStack: _ = try service.applyStack(try request())
    case .updateStack:
      _ = try service.applyStack(try request(Self.template.replacing("alias/b", with: "alias/c")))
    case .deleteStack: try service.deleteStack("s")
    case .destroyDue: _ = try service.destroy(try service.dueDestructions())
    case .requireAudit: try service.requireAudit(true)
    case .stopRequiringAudit: try service.requireAudit(false)
    }
  }

  private static let copies: [StoreOperation] = [.backupKeystore, .restoreKeystore]

  private func records() throws -> [AuditRecord] {
    var records: [AuditRecord] = []
    try owner.readAuditLog { _, record in
      if StoreOperation(rawValue: record.operation) != nil { records.append(record) }
    }
    return records
  }

  @Test func othersAreRefusedAndTold() throws {
    let before = try owner.keystore.protectors()
    for operation in StoreOperation.allCases {
      // A stack must exist before it can be changed.
      if operation == .updateStack { try perform(.createStack, by: owner) }
      let error = #expect(throws: KeyServiceError.self, "\(operation)") {
        try perform(operation, by: try another())
      }
      #expect(error?.name == "AccessDeniedException", "\(operation)")
      let text = error?.detail ?? ""
      #expect(
        text.contains("user/other may not do \(operation.rawValue): only the keystore's owner"))
    }
    #expect(try owner.keystore.protectors() == before)
    #expect(try owner.stacks().map(\.stackName) == ["s"])
    #expect(throws: Never.self) { try owner.describe("alias/b") }
    let refused = try records().filter { $0.errorCode == "AccessDeniedException" }
    #expect(refused.map(\.operation) == StoreOperation.allCases.map(\.rawValue))
    #expect(refused.allSatisfy { $0.caller == "arn:aws:iam::000000000000:user/other" })
  }

  /// A template that would change nothing is refused like any other.
  @Test func aTemplateThatChangesNothingIsTheOwnersToo() throws {
    try perform(.createStack, by: owner)
    #expect(throws: KeyServiceError.self) { try perform(.createStack, by: try another()) }
    #expect(throws: Never.self) { _ = try another().planStack(try request()) }
  }

  /// The keystore notes the record of each operation, so the log from before it is noticed.
  @Test func noRecordOfAnOperationIsRemovedUnnoticed() throws {
    let log = AuditLog.path(beside: owner.keystore.path)
    for operation in StoreOperation.allCases where !Self.copies.contains(operation) {
      let before = try contents(log)
      let last = try records().count
      try perform(operation, by: owner)
      #expect(try records().count == last + 1, "\(operation)")
      #expect(try owner.check().damage.isEmpty, "\(operation)")
      let after = try contents(log)
      try write(before, to: log)
      let damage = try owner.check().damage
      #expect(damage.count == 1, "\(operation)")
      #expect(damage.allSatisfy { if case .audit(.missing) = $0 { true } else { false } })
      try write(after, to: log)
    }
  }

  @Test func theOwnerDoesAllAndItIsRecorded() throws {
    for operation in StoreOperation.allCases {
      #expect(throws: Never.self, "\(operation)") { try perform(operation, by: owner) }
    }
    let done = try records()
    #expect(done.allSatisfy { $0.errorCode.isEmpty })
    // A backup unlocks nothing and therefore has no key for the audit log. The log of the restored
    // keystore has the record of a restore.
    #expect(
      done.map(\.operation)
        == StoreOperation.allCases.filter { !Self.copies.contains($0) }.map(\.rawValue))
    #expect(try owner.check().damage.isEmpty)
  }

  /// The records name the protector that was added or removed.
  @Test func protectorsAreRecordedByID() throws {
    let added = try owner.addProtector(.passphrase(SecretBytes(Array("p".utf8))))
    try owner.removeProtector(added.id)
    #expect(throws: KeystoreError.noProtector("none")) { try owner.removeProtector("none") }
    let last = try owner.keystore.protectors()
    #expect(throws: KeystoreError.lastProtector(last[0].id)) {
      try owner.removeProtector(last[0].id)
    }
    let pairs = try records().map { record in
      (
        record.operation, record.encryptionContext.pairs.map { "\($0.key)=\($0.value)" },
        record.errorCode.isEmpty
      )
    }
    let named = ["ProtectorId=\(added.id)", "Type=passphrase"]
    #expect(pairs.map(\.0) == ["AddProtector"] + Array(repeating: "RemoveProtector", count: 3))
    #expect(pairs.map(\.1) == [named, named, [], ["ProtectorId=\(last[0].id)", "Type=none"]])
    #expect(pairs.map(\.2) == [true, true, false, false])
  }

  /// No passphrase is asked for without need: not for a backup, which needs none, and a new one
  /// only after it is clear that the caller may add it.
  @Test func nobodyIsAskedInVain() throws {
    final class Counting: UnlockingSecrets, @unchecked Sendable {
      let keyFile: FilePath? = nil
      var count = 0
      func passphrase() -> SecretBytes? {
        count += 1
        return SecretBytes(Array("p".utf8))
      }
    }
    _ = try owner.addProtector(.passphrase(SecretBytes(Array("p".utf8))))
    let clear = try #require(try owner.keystore.protectors().first { $0.kind == .none })
    try owner.removeProtector(clear.id)
    let secrets = Counting()
    let service = try keystore.service(
      for: Caller(userName: "other", isOwner: false), secrets: secrets)
    #expect(throws: KeyServiceError.self) {
      try service.backup(to: keystore.directory.path.appending("copy.db"))
    }
    #expect(secrets.count == 0)
    #expect(throws: KeyServiceError.self) { try service.prepareToAddProtector() }
  }
}
