import GRDB
import Glibc
import SystemPackage

/// Why a backup is not written where it was to be.
public enum KeystoreBackupError: Error, Equatable, Sendable {
  /// Something is there, and was not to be replaced.
  case exists(FilePath)
  /// It is the keystore itself, or would take its place.
  case keystoreItself(FilePath)
  /// A keystore with another ID is there.
  case otherKeystore(FilePath, id: String)
  /// What is there is not a backup of this keystore, nor an empty file.
  case notABackup(FilePath)
  /// What is there is no regular file.
  case notARegularFile(FilePath)
}

extension Keystore {
  /// Copies the store, as it is at one moment, and its audit log to `path`: complete or not at all, for
  /// the owner only, on the disk when this returns. Nothing secret is opened. Where it is `replacing`, an
  /// older backup of this store gives way. Returns the copy.
  ///
  /// Throws `KeystoreBackupError`, `KeystoreError`, `FileRuleError`, `IOError`.
  @discardableResult
  public func backup(
    to path: FilePath, replacing: Bool = false, leftovers: Leftovers = Leftovers()
  ) throws -> Keystore {
    _ = try replaces(path, where: replacing)
    let directory = path.removingLastComponent()
    guard try FileStatus.at(directory.isEmpty ? "." : directory) != nil else {
      throw FileRuleError.noDirectory(directory)
    }
    let copy = try HiddenKeystore(for: path, leftovers: leftovers)
    try copyPages(to: copy)
    // Behind the pages: a log may be ahead of what its store knows of it, never behind.
    let log = try AuditLog(reading: AuditLog.path(beside: self.path)).copy {
      AuditFile(try HiddenKeystore.createEmptyFile(copy.log, for: AuditLog.path(beside: path)))
    }
    try check(copy)
    try log?.synchronize()
    try copy.synchronize()
    do {
      try copy.place { try replaces(path, where: replacing) }
    } catch KeystoreError.exists {
      throw KeystoreBackupError.exists(path)
    }
    return try Keystore(at: path)
  }

  /// Whether there is something at `path` that a backup replaces. Throws where it may not be replaced.
  private func replaces(_ path: FilePath, where replacing: Bool) throws -> Bool {
    let own = try FileStatus.at(self.path)
    for name in [path, AuditLog.path(beside: path)] {
      if let own, let there = try FileStatus.at(name), there.isSameFile(as: own) {
        throw KeystoreBackupError.keystoreItself(name)
      }
    }
    guard let there = try FileStatus.at(path, followingLinks: false) else { return false }
    guard replacing else { throw KeystoreBackupError.exists(path) }
    guard there.kind == .regular else { throw KeystoreBackupError.notARegularFile(path) }
    if there.size == 0 { return true }
    guard let id = try Self.id(ofStoreAt: path) else { throw KeystoreBackupError.notABackup(path) }
    guard id == self.id else { throw KeystoreBackupError.otherKeystore(path, id: id) }
    return true
  }

  /// The ID of the store at `path`, of whatever mode and version; nil where there is none.
  private static func id(ofStoreAt path: FilePath) throws -> String? {
    // SQLite does not say why it cannot open a file.
    _ = try Descriptor.openInput(path)
    do {
      return try translatingErrors(of: path) {
        let database = try open(path, readOnly: true)
        defer { try? close(database) }
        return try database.read { db in
          guard
            try Int32.fetchOne(db, sql: "PRAGMA application_id") == KeystoreSchema.applicationID,
            try db.tableExists(KeystoreRecord.databaseTableName)
          else { return nil }
          return try String.fetchOne(db, sql: "SELECT id FROM keystore")
        }
      }
    } catch KeystoreError.notAKeystore, KeystoreError.unreadable {
      return nil
    }
  }

  /// Copies every page in one step, so that no writer can make it begin anew. Waits for a writer as any
  /// reader does.
  private func copyPages(to copy: HiddenKeystore) throws {
    let target = try Self.translatingErrors(of: copy.path, isWriting: true) {
      try Self.open(copy.file, readOnly: false)
    }
    defer { try? Self.close(target) }
    try Self.translatingErrors(of: copy.path, isWriting: true) {
      // Nobody needs half a copy, and who waits for the disk here has writers wait too.
      try target.writeWithoutTransaction {
        try $0.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
      }
    }
    try Self.translatingErrors(of: path) {
      do {
        try database.backup(to: target)
      } catch let error as DatabaseError where error.isOfWriting {
        throw IOError(
          .write, copy.path, error.resultCode == .SQLITE_FULL ? .noSpace : .ioError)
      }
    }
  }

  /// The copy is a keystore, and SQLite finds nothing wrong with it.
  private func check(_ copy: HiddenKeystore) throws {
    let store = try Keystore(at: copy.path, readOnly: true, file: copy.file)
    defer { try? Self.close(store.database) }
    let verdict = try store.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
    // As the copy is, so is what was copied.
    guard verdict == "ok" else { throw KeystoreError.unreadable(path) }
  }
}

extension DatabaseError {
  /// Whether it is the file that is written which failed, where one is read and one is written.
  fileprivate var isOfWriting: Bool {
    switch extendedResultCode {
    case .SQLITE_FULL, .SQLITE_IOERR_WRITE, .SQLITE_IOERR_FSYNC, .SQLITE_IOERR_TRUNCATE: true
    default: false
    }
  }
}
