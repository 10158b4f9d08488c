import Glibc
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// A file with the name of a keystore's audit log that somebody else made, or can write to, is not
/// the log.
@Suite struct AuditPlaceTests {
  let keystore: TestKeystore
  let key: String
  var path: FilePath { keystore.service.keystore.path }
  var log: FilePath { AuditLog.path(beside: path) }

  static let stranger: uid_t = 12_345
  static let group: gid_t = 23_456

  init() throws {
    keystore = try TestKeystore()
    key = try keystore.service.createKey().keyID
  }

  func expectRefused(_ fault: AuditFileFault, isReadable: Bool = false) throws {
    let refusal = AuditError.foreign(log, fault)
    let unlocked = try keystore.service.unlock()
    let log = try keystore.service.keystore.auditLog(unlocked)
    #expect(throws: refusal) { try log.append([AuditRecord.numbered(1)], after: { .none }) }
    if !isReadable {
      #expect(throws: refusal) { try log.read(after: .none) { _ in } }
      #expect(throws: refusal) { try log.anchor() }
      #expect(throws: refusal) { try keystore.reopened().check() }
      #expect(throws: refusal) { try keystore.reopened().readAuditLog { _, _ in } }
      #expect(try !UnverifiedAuditLog.continues(self.log, in: self.log))
    }
    // The keystore does not need records, and says that they are lost.
    let service = try keystore.reopened()
    _ = try service.encrypt("text", under: key)
    try service.perform(UpdateKeyDescriptionRequest(keyID: key, description: "d"))
    #expect(!service.finishRecords())
  }

  func expectAccepted() throws {
    let service = try keystore.reopened()
    _ = try service.encrypt("text", under: key)
    try service.perform(UpdateKeyDescriptionRequest(keyID: key, description: "d"))
    #expect(service.finishRecords())
    #expect(try service.check().damage.isEmpty)
  }

  @Test(arguments: [0o666, 0o602, 0o620] as [mode_t])
  func aLogThatOthersCanWriteIsRefused(mode: mode_t) throws {
    chmod(log.string, mode)
    try expectRefused(.writable(permissions: UInt32(mode)))
    chmod(log.string, 0o600)
    try expectAccepted()
  }

  @Test(arguments: [0o644, 0o640, 0o600] as [mode_t])
  func aLogThatOthersCanReadIsNot(mode: mode_t) throws {
    chmod(log.string, mode)
    try expectAccepted()
  }

  @Test func aLogWithAnotherNameIsNotWritten() throws {
    let other = keystore.directory.path.appending("other")
    #expect(link(log.string, other.string) == 0)
    try expectRefused(.severalNames, isReadable: true)
    unlink(other.string)
    try expectAccepted()
  }

  /// Only root can give files away.
  @Test(.enabled(if: getuid() == 0)) func aLogOfAnotherUserIsRefused() throws {
    chown(log.string, Self.stranger, Self.stranger)
    try expectRefused(.owner(Self.stranger))
    // It is empty: another user made it before there was a log.
    truncate(log.string, 0)
    try expectRefused(.owner(Self.stranger))
    // The log of the owner, and root's.
    chown(path.string, Self.stranger, Self.stranger)
    chown(log.string, Self.stranger, Self.stranger)
    #expect(throws: Never.self) { try keystore.reopened().readAuditLog { _, _ in } }
    chown(log.string, 0, 0)
    #expect(throws: Never.self) { try keystore.reopened().readAuditLog { _, _ in } }
  }

  @Test(.enabled(if: getuid() == 0)) func theMembersOfASharingGroupShareTheLog() throws {
    let directory = path.removingLastComponent()
    chown(directory.string, 0, Self.group)
    chmod(directory.string, 0o2770)
    chown(path.string, 0, Self.group)
    chmod(path.string, 0o660)
    chown(log.string, Self.stranger, Self.group)
    chmod(log.string, 0o660)
    try expectAccepted()
    // The group of the log is not the one that shares the keystore.
    chown(log.string, 0, Self.group + 1)
    try expectRefused(.writable(permissions: 0o660))
    chown(log.string, Self.stranger, Self.group + 1)
    try expectRefused(.owner(Self.stranger))
  }

  @Test func aKeystoreThatRequiresRecordsIsNotUsedBesideSuchALog() throws {
    try keystore.service.requireAudit(true)
    chmod(log.string, 0o666)
    #expect(throws: UnrecordedError.self) {
      try keystore.reopened().encrypt("text", under: key)
    }
    #expect(throws: UnrecordedError.self) { try keystore.reopened().createKey() }
  }
}
