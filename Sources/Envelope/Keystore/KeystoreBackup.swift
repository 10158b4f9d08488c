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
  /// the owner only, on the disk when this returns. Nothing secret is opened. If it is `replacing`, an
  /// older backup of this store gives way. Returns what the copy's mode does not show.
  ///
  /// Throws `KeystoreBackupError`, `KeystoreError`, `KeystoreFileError`, `FileRuleError`, `IOError`.
  @discardableResult
  public func backup(
    to path: FilePath, replacing: Bool = false, leftovers: Leftovers = Leftovers()
  ) throws -> [KeystoreExposure] {
    let place = try KeystorePlace(path)
    _ = try replaces(place, ifAllowed: replacing)
    let copy = try HiddenKeystore(at: place, leftovers: leftovers)
    try copyPages(to: copy)
    // After the pages: a log may have more than its store knows of, never less.
    let log = try AuditLog(reading: AuditLog.path(beside: self.path)).copy {
      AuditFile(try HiddenKeystore.createEmptyFile(copy.log, for: AuditLog.path(beside: path)))
    }
    try log?.synchronize()
    try copy.synchronize()
    do {
      try copy.takeName { try replaces(place, ifAllowed: replacing) }
    } catch KeystoreError.exists {
      throw KeystoreBackupError.exists(path)
    }
    return try exposures(ofCopyAt: path)
  }

  /// True if there is something that a backup replaces. Throws if it may not be replaced.
  private func replaces(_ place: KeystorePlace, ifAllowed replacing: Bool) throws -> Bool {
    let own = try FileStatus.at(self.path)
    for (name, way) in [
      (place.path, place.way),
      (AuditLog.path(beside: place.path), AuditLog.path(beside: place.way)),
    ] {
      if let own, let there = try FileStatus.at(way), there.isSameFile(as: own) {
        throw KeystoreBackupError.keystoreItself(name)
      }
    }
    let path = place.path
    guard let there = try place.status() else { return false }
    guard replacing else { throw KeystoreBackupError.exists(path) }
    guard there.kind == .regular else { throw KeystoreBackupError.notARegularFile(path) }
    if there.size == 0 { return true }
    let file = try place.openedForReading()
    guard try file.status().isSameFile(as: there) else { throw FileRuleError.changed(path) }
    guard let id = try Self.id(ofStoreIn: file) else { throw KeystoreBackupError.notABackup(path) }
    guard id == self.id else { throw KeystoreBackupError.otherKeystore(path, id: id) }
    return true
  }

  /// The ID of the store in a file, of whatever mode and version; nil if there is none. SQLite does not see it.
  private static func id(ofStoreIn file: Descriptor) throws -> String? {
    do {
      let pages = try DatabasePages { try file.read($1, at: $0) }
      return try StoredSchema(pages, of: file.path).keystoreID(in: pages)
    } catch is DatabasePages.Failure {
      return nil
    } catch KeystoreError.notAKeystore {
      return nil
    }
  }

  /// Copies every page while the store is locked for reading, so that all are of one moment, and those in which
  /// SQLite finds nothing wrong. Waits for a writer as any reader does.
  private func copyPages(to copy: HiddenKeystore) throws {
    try read { db in
      // Not in the copy, which has the same bytes: SQLite would open it by its name, or have all of it in memory.
      guard try String.fetchOne(db, sql: "PRAGMA quick_check(1)") == "ok" else {
        throw KeystoreError.unreadable(path)
      }
      let size = try KeystoreDatabase.size(of: db)
      try KeystoreDatabase.forEachPiece(of: db, size: size) { piece in
        try copy.write(piece.span.bytes)
      }
    }
  }

  private func exposures(ofCopyAt path: FilePath) throws -> [KeystoreExposure] {
    guard try protectors().contains(where: { $0.kind == .none }) else { return [] }
    return KeystoreExposure.all(of: path, owner: geteuid())
  }
}

extension Descriptor {
  /// Nil if the file ends before.
  fileprivate func read(_ count: Int, at offset: Int64) throws -> [UInt8]? {
    let region = FileRegion(self)
    var bytes = [UInt8](repeating: 0, count: count)
    let done = try bytes.withUnsafeMutableBytes {
      var span = MutableRawSpan(_unsafeBytes: $0)
      return try region?.fill(&span, at: offset)
    }
    return done == count ? bytes : nil
  }
}
