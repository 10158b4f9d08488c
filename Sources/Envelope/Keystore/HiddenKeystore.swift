import Glibc
import SystemPackage

/// A keystore that is being made: under a hidden name in the directory where it is to be, with its
/// journal and its audit log beside that. What is still hidden when it goes away is removed.
final class HiddenKeystore {
  /// The name that it is to have.
  let path: FilePath
  /// The name that it has.
  let file: FilePath
  var log: FilePath { AuditLog.path(beside: file) }

  private let names: [FilePath]
  private let leftovers: Leftovers
  /// Its lock says that somebody works on the file.
  private let descriptor: Descriptor

  /// Makes an empty file of mode 0600.
  init(for path: FilePath, leftovers: Leftovers) throws {
    let directory = path.removingLastComponent()
    leftovers.sweep(directory)
    let file = try HiddenFile.name(.keystore, in: directory)
    let names = HiddenFile.companions.map { FilePath(file.string + $0) } + [file]
    names.forEach(leftovers.add)
    do {
      descriptor = try Self.createEmptyFile(file, for: path)
    } catch {
      names.forEach(leftovers.remove)
      throw error
    }
    self.path = path
    self.file = file
    self.names = names
    self.leftovers = leftovers
  }

  deinit { names.forEach(leftovers.remove) }

  /// Makes a file of mode 0600 with a lock of its own. Errors name `path`.
  static func createEmptyFile(_ hidden: FilePath, for path: FilePath) throws -> Descriptor {
    while true {
      let number = Descriptor.retrying {
        hidden.withPlatformString { open($0, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600) }
      }
      guard number >= 0 else { throw IOError.current(.createOutput, path) }
      let file = Descriptor(owning: number, path: path)
      // The umask can take bits away, never add them.
      guard fchmod(number, 0o600) == 0 else { throw IOError.current(.createOutput, path) }
      if HiddenFile.lock(number) { return file }
    }
  }

  /// What was written is on the disk when this returns.
  func synchronize() throws(IOError) { try descriptor.synchronize() }

  // MARK: Placing

  /// Gives the store its name, and its audit log before it: a log without a store is nothing, a store
  /// without its log would be found damaged. `isReplacing` is asked whether what has the name now is to
  /// be replaced, while no other keystore is placed in the directory. Throws `exists`, `journal`.
  func place(replacing isReplacing: () throws -> Bool = { false }) throws {
    let directory = openDirectory()
    if let directory { Self.lock(directory) }
    let replaces = try isReplacing()
    let replaced = try FileStatus.at(path, followingLinks: false)
    if !replaces, replaced != nil { throw KeystoreError.exists(path) }
    // SQLite would take it for this store's, and undo in it what another store began.
    let journal = FilePath(path.string + "-journal")
    if let status = try FileStatus.at(journal, followingLinks: false), status.size > 0 {
      throw KeystoreError.journal(journal)
    }
    let isFirstLog = try placeLog(isOfSameStore: replaced.map { $0.size > 0 } ?? false)
    guard rename(replacing: replaces) == 0 else {
      let reason = Errno.current
      if isFirstLog { AuditLog.path(beside: path).withPlatformString { _ = unlink($0) } }
      throw reason == .fileExists
        ? KeystoreError.exists(path) : IOError(.createOutput, path, reason)
    }
    // The new names are on the disk too.
    if let directory { fsync(directory.number) }
  }

  private func rename(replacing: Bool) -> Int32 {
    file.withPlatformString { from in
      path.withPlatformString { to in
        if replacing { return Glibc.rename(from, to) }
        // `link` refuses a name that is taken, on every file system that has links.
        let linked = link(from, to)
        if linked == 0 || systemErrno() == EEXIST { return linked }
        return access(to, F_OK) == 0 ? -1 : Glibc.rename(from, to)
      }
    }
  }

  /// Of two logs of one keystore the one that goes further stays; another log keeps what it says. Whether
  /// there was none, and is one now.
  private func placeLog(isOfSameStore: Bool) throws -> Bool {
    let to = AuditLog.path(beside: path)
    let hasLog = try FileStatus.at(log) != nil
    let isThere = try FileStatus.at(to, followingLinks: false) != nil
    if isThere, hasLog {
      if try AuditLog.goesFurther(to, than: log) { return false }
      let isContinued = try AuditLog.continues(to, in: log)
      if !isContinued, try !(isOfSameStore && AuditLog.wasPruned(log, since: to)) {
        try setAside(to)
      }
    } else if isThere {
      try setAside(to)
      to.withPlatformString { _ = unlink($0) }
    }
    guard hasLog else { return false }
    guard log.withPlatformString({ from in to.withPlatformString { Glibc.rename(from, $0) } }) == 0
    else { throw IOError.current(.createOutput, to) }
    return !isThere
  }

  /// Gives the log the first name behind its own that is free, too.
  private func setAside(_ log: FilePath) throws {
    for number in 1... {
      let name = FilePath("\(log.string).old" + (number == 1 ? "" : ".\(number)"))
      let linked = log.withPlatformString { from in name.withPlatformString { link(from, $0) } }
      if linked == 0 { return }
      let reason = Errno.current
      guard reason == .fileExists else { throw IOError(.createOutput, name, reason) }
    }
  }

  /// Two that place at once would mix their stores and logs. Where there are no locks they may, and where
  /// somebody has the directory locked for a purpose of his own: `flock DIR envcrypt …`.
  private static func lock(_ directory: Descriptor) {
    for _ in 0..<1000 {
      let result = Descriptor.retrying { flock(directory.number, LOCK_EX | LOCK_NB) }
      if result == 0 || systemErrno() != EWOULDBLOCK { return }
      usleep(10_000)
    }
  }

  private func openDirectory() -> Descriptor? {
    let directory = path.removingLastComponent()
    let name: FilePath = directory.isEmpty ? "." : directory
    let number = name.withPlatformString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    return number >= 0 ? Descriptor(owning: number, path: name) : nil
  }
}
