import Foundation
import GRDB
import Glibc
import SystemPackage

extension Keystore {
  /// Creates a store with one protector, complete or not at all. `furnish` puts into it what it is to
  /// have from the beginning. Throws `exists` where the path is taken. Missing directories are made,
  /// for the owner only.
  public static func create(
    at path: FilePath, protector: consuming NewProtector, now: Date = Date(),
    leftovers: Leftovers = Leftovers(), furnish: (Keystore) throws -> Void = { _ in }
  ) throws -> Keystore {
    guard try FileStatus.at(path, followingLinks: false) == nil else {
      throw KeystoreError.exists(path)
    }
    let directory = path.removingLastComponent()
    try createDirectories(directory, permissions: 0o700)
    leftovers.sweep(directory)
    let rootKey = RootKey(bytes: try .random(count: RootKey.length))
    let id = UUID().uuidString.lowercased()
    let protectorRecord = try ProtectorRecord(
      protector, wrapping: rootKey, keystoreID: id, creationDate: now.milliseconds)
    let unlocked = try UnlockedKeystore(rootKey, keystoreID: id)
    let record = try unlocked.authenticating(
      KeystoreRecord(
        id: id, creationDate: now.milliseconds,
        ledger: Data(try LedgerBucket(.root).serialized())))

    let hidden = try HiddenFile.name(.keystore, in: directory)
    let names = HiddenFile.companions.map { FilePath(hidden.string + $0) } + [hidden]
    names.forEach(leftovers.add)
    defer { names.forEach(leftovers.remove) }
    let lock = try createEmptyFile(hidden, for: path)
    try translatingErrors(of: path) {
      let database = try open(hidden, readOnly: false)
      try migrate(database)
      try database.write { db in
        try record.insert(db)
        try unlocked.insert(protectorRecord, db)
      }
      try close(database)
    }
    let furnished = try Keystore(at: path, readOnly: false, file: hidden)
    furnished.unlocked = .success(unlocked)
    try furnish(furnished)
    try translatingErrors(of: path) { try close(furnished.database) }
    try place(hidden, at: path)
    withExtendedLifetime(lock) {}
    let keystore = try Keystore(at: path)
    keystore.unlocked = .success(unlocked)
    return keystore
  }

  /// Closes a database whose object stays for ever: what libdispatch does when a queue goes away needs a
  /// thread, and where the system grants none it waits until it does.
  private static func close(_ database: DatabaseQueue) throws {
    _ = Unmanaged.passRetained(database)
    try database.close()
  }

  /// Makes a file of mode 0600, whose lock says that it is being worked on.
  private static func createEmptyFile(
    _ hidden: FilePath, for path: FilePath
  ) throws -> Descriptor {
    while true {
      let number = Descriptor.retrying {
        hidden.withPlatformString { Glibc.open($0, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600) }
      }
      guard number >= 0 else { throw IOError.current(.createOutput, path) }
      let file = Descriptor(owning: number, path: path)
      // The umask can take bits away, never add them.
      guard fchmod(number, 0o600) == 0 else { throw IOError.current(.createOutput, path) }
      if HiddenFile.lock(number) { return file }
    }
  }

  /// Gives the store its name, and its audit log before it: a log without a store is nothing, a store
  /// without its log would be found damaged.
  private static func place(_ hidden: FilePath, at path: FilePath) throws {
    let (from, to) = (AuditLog.path(beside: hidden), AuditLog.path(beside: path))
    if try FileStatus.at(from) != nil {
      try setAside(to)
      guard from.withPlatformString({ from in to.withPlatformString { rename(from, $0) } }) == 0
      else { throw IOError.current(.createOutput, to) }
    }
    let linked = hidden.withPlatformString { from in path.withPlatformString { link(from, $0) } }
    guard linked == 0 else {
      let reason = Errno.current
      throw reason == .fileExists
        ? KeystoreError.exists(path) : IOError(.createOutput, path, reason)
    }
    synchronizeDirectory(path.removingLastComponent())
  }

  /// The log of a store that is gone keeps what it says, under the first name that is free.
  private static func setAside(_ log: FilePath) throws {
    guard try FileStatus.at(log, followingLinks: false) != nil else { return }
    for number in 1... {
      let name = FilePath("\(log.string).old" + (number == 1 ? "" : ".\(number)"))
      let linked = log.withPlatformString { from in name.withPlatformString { link(from, $0) } }
      if linked == 0 { return }
      let reason = Errno.current
      guard reason == .fileExists else { throw IOError(.createOutput, name, reason) }
    }
  }

  private static func synchronizeDirectory(_ directory: FilePath) {
    let path: FilePath = directory.isEmpty ? "." : directory
    let number = path.withPlatformString { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard number >= 0 else { return }
    fsync(number)
    Glibc.close(number)
  }
}
