import Envelope
import GRDB
import Glibc
import SystemPackage

/// The reason why a backup is not written to a path.
package enum KeystoreBackupError: Error, Equatable, Sendable {
  /// A file exists at the path, and replacing it was not requested.
  case exists(FilePath)
  /// The path is that of the keystore, or the backup's audit log would replace the keystore.
  case keystoreItself(FilePath)
  /// The file at the path is a keystore with another ID.
  case otherKeystore(FilePath, id: String)
  /// The file at the path is not a keystore, and not empty.
  case notABackup(FilePath)
  /// There is something at the path that is not a regular file.
  case notARegularFile(FilePath)
}

extension Keystore {
  /// Copies the store, as it is at one moment, and its audit log to `path`. The copy is complete or
  /// not made at all, only its owner can read it, and it is on the disk when this function returns.
  /// Does not unlock the store. With `replacing`, it replaces an older backup of this store.
  /// Returns the exposures that the copy's mode does not show.
  ///
  /// Throws `KeystoreBackupError`, `KeystoreError`, `KeystoreFileError`, `FileRuleError`,
  /// `IOError`.
  @discardableResult
  package func backup(
    to path: FilePath, replacing: Bool = false, leftovers: Leftovers = Leftovers()
  ) throws -> [KeystoreExposure] {
    let place = try KeystorePlace(path)
    _ = try replaces(place, ifAllowed: replacing)
    let copy = try HiddenKeystore(at: place, leftovers: leftovers)
    let moment = try copyPages(to: copy)
    // The log is copied after the pages: a log may have more entries than its store knows of, but
    // not fewer.
    let log = try UnverifiedAuditLog(AuditLog.path(beside: self.path)).copy {
      AuditFile(try HiddenKeystore.createEmptyFile(copy.log, for: AuditLog.path(beside: path)))
    }
    try log?.synchronize()
    try copy.synchronize()
    do {
      try copy.takeName { try replaces(place, ifAllowed: replacing) }
    } catch KeystoreError.exists {
      throw KeystoreBackupError.exists(path)
    }
    noteCopy(moment)
    return try exposures(ofCopyAt: path)
  }

  /// True if there is a file that the backup replaces. Throws if the backup must not replace it.
  func replaces(_ place: KeystorePlace, ifAllowed replacing: Bool) throws -> Bool {
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
    try place.checkName(besides: self.path)
    try place.refuseForeignLog()
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

  /// Returns the ID of the store in a file of any mode and schema version; nil if there is none.
  /// Does not use SQLite.
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

  /// Copies every page while the store is locked for reading, so that the copy is consistent.
  /// Throws if SQLite finds the pages damaged. Waits for a writer as any reader does. Returns the
  /// moment of the copy for `noteCopy`.
  private func copyPages(to copy: HiddenKeystore) throws -> UInt32 {
    try read { db in
      // The check runs on the store and not on the copy, which has the same bytes: SQLite would
      // open the copy by its name, or hold all of it in memory.
      let size = try DatabaseFile.checkPages(of: db)
      try DatabaseFile.forEachPiece(of: db, size: size) { piece in
        try copy.write(piece.span.bytes)
      }
      return try Self.copyMoment(db)
    }
  }

  private func exposures(ofCopyAt path: FilePath) throws -> [KeystoreExposure] {
    guard try protectors().contains(where: { $0.kind == .none }) else { return [] }
    return KeystoreExposure.all(of: path, owner: geteuid())
  }
}

extension Descriptor {
  /// Reads `count` bytes at `offset`; nil if the file ends before the last of them.
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
