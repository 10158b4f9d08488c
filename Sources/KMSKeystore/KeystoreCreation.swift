import Envelope
import Foundation
import GRDB
import SystemPackage

extension Keystore {
  /// Checks that a new store can be at `path`, before anybody is asked for a passphrase. Throws
  /// `KeystoreError.exists`, `KeystoreError.foreignLog`, `FileRuleError.reserved`,
  /// `KeystoreFileError.notUTF8`, `KeystoreFileError.longPath`.
  package static func checkPlaceForNew(_ path: FilePath) throws {
    try KeystoreFile.check(path)
    // A directory that is still to be made has no other files.
    let place = try? KeystorePlace(path)
    try place?.checkName()
    guard try FileStatus.at(path, followingLinks: false) == nil else {
      throw KeystoreError.exists(path)
    }
    try place?.refuseForeignLog()
  }

  /// Creates a store with one protector, complete or not at all. `furnish` adds the initial
  /// contents. Throws `exists` if the path is taken. Creates missing directories, with access for
  /// the owner only. With `requiresAudit`, no key can be used unless the use can be recorded.
  /// `willStore` is called before the store gets its name.
  package static func create(
    at path: FilePath, protector: consuming NewProtector, requiresAudit: Bool = false,
    now: Date = Date(), leftovers: Leftovers = Leftovers(),
    furnish: (Keystore) throws -> Void = { _ in }, willStore: () -> Void = {}
  ) throws -> Keystore {
    try checkPlaceForNew(path)
    try createDirectories(path.removingLastComponent(), permissions: 0o700)
    let rootKey = RootKey(bytes: try .random(count: RootKey.length))
    let id = UUID().uuidString.lowercased()
    let protectorRecord = try ProtectorRecord(
      protector, wrapping: rootKey, keystoreID: id, creationDate: now.milliseconds)
    let unlocked = try UnlockedKeystore(rootKey, keystoreID: id)
    let record = try unlocked.authenticating(
      KeystoreRecord(
        id: id, creationDate: now.milliseconds, ledger: Data(),
        requiresAudit: requiresAudit ? 1 : nil))

    // The store stays in memory until it is complete. SQLite would open a file by its name, which
    // could be another file by then.
    let database = try translatingErrors(of: path) {
      let database = try KeystoreDatabase()
      try database.migrate()
      try database.write { db in
        try record.insert(db)
        try unlocked.insert(protectorRecord, db)
      }
      return database
    }
    let hidden = try HiddenKeystore(at: try KeystorePlace(path), leftovers: leftovers)
    let furnished = Keystore(making: path, database, record, file: hidden.file)
    furnished.unlocking.withLock { $0.result = .success(unlocked) }
    try furnish(furnished)
    try translatingErrors(of: path) {
      try database.image().withBytes { try hidden.write($0) }
      try database.close()
    }
    try hidden.synchronize()
    willStore()
    try hidden.takeName()
    let keystore = try Keystore(at: path)
    guard keystore.id == id else { throw FileRuleError.changed(path) }
    keystore.unlocking.withLock { $0.result = .success(unlocked) }
    return keystore
  }
}
