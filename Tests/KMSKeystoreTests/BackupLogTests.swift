import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// The audit log of a backup.
extension KeystoreBackupTests {
  /// The state after a kill between placing the log and placing the keystore. A log that has all
  /// entries of the existing one replaces it, and a different log is kept.
  @Test func aLogThatIsThereIsNotLost() throws {
    try create()
    try service().createKey()
    try write(contents(AuditLog.path(beside: path)), to: copyLog)
    try service().createKey()
    try backup()
    #expect(!directory.names.contains("copy.db-audit.old"))
    _ = try checksOut(copy)

    let other = directory.path.appending("other.db")
    try create(at: other)
    try service(at: other).createKey()
    let log = try contents(AuditLog.path(beside: other))
    try FileManager.default.removeItem(atPath: other.string)
    try backup(to: other)
    #expect(try contents(directory.path.appending("other.db-audit.old")) == log)
    _ = try checksOut(other)
  }

  /// Nothing is written over a file that has the log's name and is not an audit log, and it is not
  /// moved away. It may be as small as the head of a log, or smaller.
  @Test(arguments: [
    [], [7], [UInt8](repeating: 0, count: 10), Array("ENVA".utf8) + [2],
    [UInt8](repeating: 0, count: AuditHead.length), patternBytes(AuditHead.length),
    [UInt8](repeating: 0, count: AuditHead.length) + patternBytes(400), patternBytes(100_000),
  ])
  func aFileThatIsNoLogIsNotReplaced(content: [UInt8]) throws {
    try create()
    let names = directory.names
    try write(content, to: copyLog)
    for isLogged in [false, true] {
      if isLogged { try service().createKey() }
      #expect(throws: KeystoreError.foreignLog(copyLog)) { try backup() }
      #expect(throws: KeystoreError.foreignLog(copyLog)) { try create(at: copy) }
    }
    #expect(try contents(copyLog) == content)
    #expect(directory.names == (names + ["copy.db-audit", "keystore.db-audit"]).sorted())
    // The same is true if an older backup is beside the file.
    unlink(copyLog.string)
    try backup()
    let before = try contents(copy)
    try write(content, to: copyLog)
    try service().createKey()
    #expect(throws: KeystoreError.foreignLog(copyLog)) { try backup(replacing: true) }
    #expect(try contents(copyLog) == content && contents(copy) == before)
  }

  @Test(arguments: ["a link", "a directory", "a pipe"])
  func whatIsNoFileIsNoLog(kind: String) throws {
    try create()
    try service().createKey()
    switch kind {
    case "a link": symlink("keystore.db-audit", copyLog.string)
    case "a directory": mkdir(copyLog.string, 0o700)
    default: mkfifo(copyLog.string, 0o600)
    }
    let before = try #require(try FileStatus.at(copyLog, followingLinks: false))
    #expect(throws: KeystoreError.foreignLog(copyLog)) { try backup() }
    #expect(throws: KeystoreError.foreignLog(copyLog)) { try create(at: copy) }
    let now = try #require(try FileStatus.at(copyLog, followingLinks: false))
    #expect(now.isSameFile(as: before) && now.kind == before.kind)
    #expect(directory.names == ["copy.db-audit", "keystore.db", "keystore.db-audit"])
  }

  /// A file that gets its name after the first check is not replaced either.
  @Test func aFileThatAppearsMeanwhileIsNotReplaced() throws {
    #expect(throws: KeystoreError.foreignLog(copyLog)) {
      try Keystore.create(at: copy, protector: .none) { store in
        try KeyService(store, secrets: TestSecrets()).createKey()
        try write([], to: copyLog)
      }
    }
    #expect(try contents(copyLog) == [])
    #expect(directory.names == ["copy.db-audit"])
  }

  /// A damaged log is evidence, however short it is, and is kept under another name. A log without
  /// entries may be another keystore's.
  @Test(arguments: [5, 20, AuditHead.length - 1, AuditHead.length])
  func aDamagedLogIsKept(count: Int) throws {
    try create()
    try service().createKey()
    let bytes = Array(try contents(AuditLog.path(beside: path)).prefix(count))
    try write(bytes, to: copyLog)
    try backup()
    #expect(try contents(directory.path.appending("copy.db-audit.old")) == bytes)
    _ = try checksOut(copy)
  }

  /// A backup that is restored in the keystore's place continues with the log that is still there.
  @Test func aLogThatGoesFurtherStays() throws {
    try create()
    try service().createKey(alias: "alias/a")
    try backup()
    _ = try service().encrypt("text", under: "alias/a")
    let log = AuditLog.path(beside: path)
    let before = try contents(log)
    try FileManager.default.removeItem(atPath: path.string)
    try Keystore(at: copy).backup(to: path)
    #expect(try contents(log) == before)
    #expect(directory.names == ["copy.db", "copy.db-audit", "keystore.db", "keystore.db-audit"])
    try service().createKey()
    #expect(try checksOut(path).auditRecords == 3)
  }

  /// A keystore without a log does not adopt the log of another keystore.
  @Test func aLogThatIsThereIsNotTakenForItsOwn() throws {
    try create()
    let other = directory.path.appending("other.db")
    try create(at: other)
    try service(at: other).createKey()
    try FileManager.default.removeItem(atPath: other.string)
    try backup(to: other)
    #expect(directory.names == ["keystore.db", "other.db", "other.db-audit.old"])
    _ = try checksOut(other)
  }

  /// A kill between the two files leaves an old keystore with a newer log.
  @Test func anOlderStoreWithANewerLogChecksOut() throws {
    try create()
    try service().createKey()
    try backup()
    try service().createKey()
    try FileManager.default.removeItem(atPath: copyLog.string)
    try write(contents(AuditLog.path(beside: path)), to: copyLog)
    #expect(try checksOut(copy).auditRecords == 2)
  }

  @Test func aPrunedLogIsCopied() throws {
    try create()
    try service().createKey()
    try backup()
    #expect(try service().pruneAuditLog(before: Date(timeIntervalSinceNow: 60)) == 1)
    try service().createKey()
    try backup(replacing: true)
    #expect(try contents(copyLog) == contents(AuditLog.path(beside: path)))
    #expect(try checksOut(copy).auditRecords == 2)
    #expect(!directory.names.contains("copy.db-audit.old"))
  }

  /// Uses of the backup itself are recorded only in the backup's own log, so that log is kept.
  @Test func whatWasDoneWithABackupIsNotLost() throws {
    try create()
    try service().createKey(alias: "alias/a")
    try backup()
    _ = try service(at: copy).encrypt("text", under: "alias/a")
    let log = try contents(copyLog)
    try service().createKey()
    try backup(replacing: true)
    #expect(try contents(directory.path.appending("copy.db-audit.old")) == log)
    #expect(try checksOut(copy).auditRecords == 2)
  }

  /// Entries that a killed process left after the head's end are copied too, and the next append
  /// includes them.
  @Test func entriesBehindTheHeadAreCopied() throws {
    try create()
    let log = AuditLog.path(beside: path)
    try service().createKey()
    let head = try contents(log).prefix(AuditHead.length)
    try service().createKey()
    try write(Array(head + contents(log).dropFirst(AuditHead.length)), to: log)
    try backup()
    try service(at: copy).createKey()
    #expect(try checksOut(copy).auditRecords == 3)
  }
}
