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

  func expectRefused(_ fault: AuditFileFault, mayBeCopied: Bool = false) throws {
    let refusal = AuditError.foreign(log, fault)
    let unlocked = try keystore.service.unlock()
    let log = try keystore.service.keystore.auditLog(unlocked)
    #expect(throws: refusal) { try log.append([AuditRecord.numbered(1)], after: { .none }) }
    #expect(throws: refusal) { try log.read(after: .none) { _ in } }
    #expect(throws: refusal) { try log.anchor() }
    #expect(throws: refusal) { try log.prune(before: .max, after: .none) }
    #expect(throws: refusal) { try keystore.reopened().check() }
    if !mayBeCopied {
      #expect(throws: refusal) { try keystore.reopened().readAuditLog { _, _ in } }
      #expect(throws: refusal) {
        try keystore.service.keystore.backup(to: keystore.directory.path.appending("copy.db"))
      }
      #expect(try !UnverifiedAuditLog.continues(self.log, in: self.log))
    }
    // The keystore does not require records, so it can be used, but it reports that records are
    // lost.
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

  /// Such a log can still be copied, like a keystore that has several names.
  @Test func aLogWithAnotherNameIsNotUsed() throws {
    let other = keystore.directory.path.appending("other")
    #expect(link(log.string, other.string) == 0)
    try expectRefused(.severalNames, mayBeCopied: true)
    let copy = keystore.directory.path.appending("copy.db")
    try keystore.service.keystore.backup(to: copy)
    #expect(try contents(AuditLog.path(beside: copy)) == contents(log))
    unlink(other.string)
    try expectAccepted()
  }

  /// A member of a group that shares the keystore can make a log that is larger than any disk.
  @Test func aHugeNewLogDelaysNobody() throws {
    unlink(log.string)
    try write([], to: log)
    #expect(truncate(log.string, 2 << 40) == 0)
    let copy = keystore.directory.path.appending("copy.db")
    try keystore.reopened().keystore.backup(to: copy)
    var status = stat()
    #expect(stat(AuditLog.path(beside: copy).string, &status) == 0)
    #expect(status.st_blocks < 4096)
    let service = try keystore.reopened()
    _ = try service.encrypt("text", under: key)
    #expect(service.finishRecords())
    #expect(try #require(try FileStatus.at(log)).size < 100_000)
  }

  /// A new log belongs to the owner of the keystore, even if root makes the log.
  @Test(.enabled(if: getuid() == 0)) func aNewLogIsTheKeystoresOwners() throws {
    unlink(log.string)
    chown(path.string, Self.stranger, Self.group)
    _ = try keystore.reopened().encrypt("text", under: key)
    let status = try #require(try FileStatus.at(log))
    #expect(status.owner == Self.stranger && status.group == Self.group)
    #expect(status.permissions == 0o600)
  }

  /// Only root can give files away.
  @Test(.enabled(if: getuid() == 0)) func aLogOfAnotherUserIsRefused() throws {
    chown(log.string, Self.stranger, Self.stranger)
    try expectRefused(.owner(Self.stranger))
    // The file is empty: another user made it before there was a log.
    truncate(log.string, 0)
    try expectRefused(.owner(Self.stranger))
    // A log that belongs to the keystore's owner or to root is accepted.
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
    // A new log also belongs to the group.
    unlink(log.string)
    try keystore.reopened().createKey()
    let status = try #require(try FileStatus.at(log))
    #expect(status.group == Self.group && status.permissions == 0o660)
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
