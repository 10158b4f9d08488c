import Envelope
import Glibc
import SystemPackage

/// The reason why a backup is not restored.
package enum KeystoreRestoreError: Error, Equatable, Sendable {
  /// There is a state of the same keystore at the path, and replacing it was not requested. It has
  /// this many key versions that the backup lacks; nil if it cannot be read.
  case exists(FilePath, versionsLost: Int?)
  /// Records of the backup are damaged.
  case damaged(FilePath, [KeystoreDamage])
}

extension Keystore {
  /// Checks that this store, a backup, can be restored to `path`, before anybody is asked for a
  /// passphrase. Returns the place for `restore`. Throws `KeystoreRestoreError.exists`,
  /// `KeystoreBackupError`, `KeystoreFileError`, `FileRuleError`.
  package func placeToRestore(at path: FilePath, replacing: Bool) throws -> FilePath {
    let path = try Self.endOfLinks(path)
    try KeystoreFile.check(path)
    // A directory that is still to be made has no files.
    guard let place = try? KeystorePlace(path) else { return path }
    let isThere = try place.status() != nil
    _ = try replaces(place, ifAllowed: true)
    if isThere, !replacing {
      throw KeystoreRestoreError.exists(path, versionsLost: try? versionsLost(by: path))
    }
    return path
  }

  /// Copies this store, a backup, with its audit log to a place of `placeToRestore`. Creates
  /// missing directories, with access for the owner only. Returns the restored store, which is
  /// unlocked if this one is.
  package func restore(
    to place: FilePath, replacing: Bool, leftovers: Leftovers = Leftovers()
  ) throws -> Keystore {
    try createDirectories(place.removingLastComponent(), permissions: 0o700)
    try backup(to: place, replacing: replacing, leftovers: leftovers)
    let restored = try Keystore(at: place)
    guard restored.id == id else { throw FileRuleError.changed(place) }
    // A store of version 0.1.0 gets its ledger when it is unlocked.
    if let unlocked = unlockedStore, unlocked.ledger != nil {
      restored.unlocking.withLock { $0.result = .success(unlocked) }
    }
    return restored
  }

  /// Returns the number of key versions that the store at `path` has and this one lacks.
  private func versionsLost(by path: FilePath) throws -> Int {
    let there = try Keystore(copying: path)
    return try there.versionNames().subtracting(versionNames()).count
  }

  private func versionNames() throws -> Set<String> {
    try read { db in
      Set(try KeyVersionRecord.readable(db, { _, _ in }).map { "\($0.keyID)/\($0.version)" })
    }
  }

  /// Returns the path that the symbolic links at `path` lead to, even if there is no file.
  private static func endOfLinks(_ path: FilePath) throws -> FilePath {
    var path = path
    for _ in 0..<40 {
      guard try FileStatus.at(path, followingLinks: false)?.kind == .symbolicLink else {
        return path
      }
      if let real = path.realPath { return real }
      guard let target = path.linkTarget(in: AT_FDCWD) else {
        throw IOError.current(.createOutput, path)
      }
      path = target.isAbsolute ? target : path.removingLastComponent().pushing(target)
    }
    throw IOError(.createOutput, path, .tooManySymbolicLinkLevels)
  }
}
