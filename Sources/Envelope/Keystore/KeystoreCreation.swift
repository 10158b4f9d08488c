import Foundation
import GRDB
import SystemPackage

extension Keystore {
  /// Creates a store with one protector, complete or not at all. `furnish` puts into it what it is to
  /// have from the beginning. Throws `exists` where the path is taken. Missing directories are made,
  /// for the owner only. With `requiresAudit` no key is used unless the use can be recorded.
  public static func create(
    at path: FilePath, protector: consuming NewProtector, requiresAudit: Bool = false,
    now: Date = Date(), leftovers: Leftovers = Leftovers(),
    furnish: (Keystore) throws -> Void = { _ in }
  ) throws -> Keystore {
    guard try FileStatus.at(path, followingLinks: false) == nil else {
      throw KeystoreError.exists(path)
    }
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

    let hidden = try HiddenKeystore(for: path, leftovers: leftovers)
    try translatingErrors(of: path) {
      let database = try open(hidden.file, readOnly: false)
      try migrate(database)
      try database.write { db in
        try record.insert(db)
        try unlocked.insert(protectorRecord, db)
      }
      try close(database)
    }
    let furnished = try Keystore(at: path, readOnly: false, file: hidden.file)
    furnished.unlocked = .success(unlocked)
    try furnish(furnished)
    try translatingErrors(of: path) { try close(furnished.database) }
    try hidden.place()
    let keystore = try Keystore(at: path)
    keystore.unlocked = .success(unlocked)
    return keystore
  }

  /// Closes a database whose object stays for ever: what libdispatch does when a queue goes away needs a
  /// thread, and where the system grants none it waits until it does.
  static func close(_ database: DatabaseQueue) throws {
    _ = Unmanaged.passRetained(database)
    try database.close()
  }
}
