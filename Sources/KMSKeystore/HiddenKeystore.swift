import CLinux
import Envelope
import Glibc
import SystemPackage

/// A keystore that is being made, under a hidden name in its final directory, with its audit log
/// beside it. Deinitialization removes the files that still have hidden names.
///
/// All writes go through the descriptor that created the file. A user who may write the directory
/// can put another file under the hidden name, but no data of the store goes there.
final class HiddenKeystore {
  let place: KeystorePlace
  /// The path of the hidden file, through the open directory.
  let file: FilePath
  var log: FilePath { AuditLog.path(beside: file) }

  private let names: [FilePath]
  private let leftovers: Leftovers
  /// The descriptor's lock shows that a process is working on the file.
  private let descriptor: Descriptor

  /// Creates an empty file of mode 0600.
  init(at place: KeystorePlace, leftovers: Leftovers) throws {
    let directory = place.way.removingLastComponent()
    leftovers.sweep(directory)
    let file = try HiddenFile.name(.keystore, in: directory)
    let names = HiddenFile.companions.map { FilePath(file.string + $0) } + [file]
    names.forEach(leftovers.add)
    do {
      descriptor = try Self.createEmptyFile(file, for: place.path)
    } catch {
      names.forEach(leftovers.remove)
      throw error
    }
    self.place = place
    self.file = file
    self.names = names
    self.leftovers = leftovers
  }

  deinit { names.forEach(leftovers.remove) }

  /// Creates a file of mode 0600 and locks it. Errors name `path`.
  static func createEmptyFile(_ hidden: FilePath, for path: FilePath) throws -> Descriptor {
    while true {
      let number = Descriptor.retrying {
        hidden.withPlatformString { open($0, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600) }
      }
      guard number >= 0 else { throw IOError.current(.createOutput, path) }
      let file = Descriptor(owning: number, path: path)
      // The umask can remove permissions, but never add them.
      guard fchmod(number, 0o600) == 0 else { throw IOError.current(.createOutput, path) }
      if HiddenFile.lock(number) { return file }
    }
  }

  // MARK: Contents

  /// Appends to the file.
  func write(_ bytes: RawSpan) throws { try descriptor.write(bytes) }

  /// Flushes the file to the disk.
  func synchronize() throws(IOError) {
    try descriptor.flush()
    try descriptor.synchronize()
  }

  // MARK: Placing

  /// Gives the store its final name, and its audit log before that: a log without a store does no
  /// harm, but a store without its log would be reported as damaged. A signal that ends the process
  /// leaves both files or none. `isReplacing` tells if the file that now has the name may be
  /// replaced. It is called while no other keystore can be placed in the directory. Throws
  /// `exists`, `journal`, `foreignLog`, `loosePermissions`, `FileRuleError.changed`, `reserved`.
  func takeName(replacing isReplacing: () throws -> Bool = { false }) throws {
    // Some file systems give every file the same mode.
    let permissions = try descriptor.status().permissions
    guard permissions & 0o077 == 0 else {
      throw KeystoreError.loosePermissions(place.path, permissions: UInt32(permissions))
    }
    place.lock()
    let replaces = try isReplacing()
    let replaced = try place.status()
    if !replaces, replaced != nil { throw KeystoreError.exists(place.path) }
    try refuseStrays()
    // Files may have got their names since the first check.
    try place.checkName()
    try place.refuseForeignLog()
    try leftovers.withoutEnding {
      let isFirstLog = try place.namingAsGiven {
        try placeLog(isOfSameStore: replaced.map { $0.size > 0 } ?? false)
      }
      guard rename(replacing: replaces) else {
        let reason = Errno.current
        if isFirstLog { AuditLog.path(beside: place.way).withPlatformString { _ = unlink($0) } }
        throw reason == .fileExists
          ? KeystoreError.exists(place.path) : IOError(.createOutput, place.path, reason)
      }
    }
    // Another user who may write the directory may have put another file under the hidden name.
    guard let placed = try place.status(), placed.isSameFile(as: try descriptor.status()) else {
      throw FileRuleError.changed(place.path)
    }
    place.synchronize()
  }

  /// Throws `journal` or `foreignFile` if a journal or a write-ahead log has the store's name.
  /// SQLite would use it for this store, and roll back or apply the changes of another store.
  private func refuseStrays() throws {
    let rule = JournalRule(of: try descriptor.status())
    for ending in KeystoreFile.companions {
      guard let status = try place.status(of: ending) else { continue }
      if status.kind == .regular, let fault = rule.fault(of: status) {
        throw KeystoreFileError.foreignFile(FilePath(place.path.string + ending), fault)
      }
      // An empty journal means that there is nothing to roll back.
      if ending == "-journal", status.kind == .regular, status.size == 0 { continue }
      throw KeystoreError.journal(FilePath(place.path.string + ending))
    }
  }

  private func rename(replacing: Bool) -> Bool {
    Self.rename(file, to: place.way, replacing: replacing)
  }

  /// Returns false and sets `errno` on failure.
  private static func rename(_ file: FilePath, to name: FilePath, replacing: Bool) -> Bool {
    file.withPlatformString { from in
      name.withPlatformString { to in
        if replacing { return Glibc.rename(from, to) == 0 }
        // `renameat2` never gives the file a second name. A store or a log with several names would
        // be refused.
        if envcrypt_rename_without_replacing(from, to) == 0 { return true }
        guard [EINVAL, ENOSYS].contains(systemErrno()) else { return false }
        // `link` fails if the name is taken, on every file system that has hard links.
        if link(from, to) == 0 { return unlink(from) == 0 }
        if systemErrno() == EEXIST { return false }
        return access(to, F_OK) != 0 && Glibc.rename(from, to) == 0
      }
    }
  }

  /// Moves the store's log to its final name. If an existing log has all entries of the store's log
  /// and more, the existing log stays instead. Any other existing log is kept under another name,
  /// unless the store's log has all of its entries or is the same log after pruning. A file that is
  /// not a log was refused before. Returns true if there was no log before and there is one now.
  private func placeLog(isOfSameStore: Bool) throws -> Bool {
    let to = AuditLog.path(beside: place.way)
    let hasLog = try FileStatus.at(log, followingLinks: false) != nil
    let isThere = try FileStatus.at(to, followingLinks: false) != nil
    if isThere, hasLog {
      if try UnverifiedAuditLog.goesFurther(to, than: log) { return false }
      let isContinued = try UnverifiedAuditLog.continues(to, in: log)
      if !isContinued, try !(isOfSameStore && UnverifiedAuditLog.wasPruned(log, since: to)) {
        try setAside(to)
      }
    } else if isThere {
      try setAside(to)
      to.withPlatformString { _ = unlink($0) }
    }
    guard hasLog else { return false }
    guard Self.rename(log, to: to, replacing: isThere) else {
      throw IOError.current(.createOutput, AuditLog.path(beside: place.path))
    }
    return !isThere
  }

  /// Links the log to the first free one of the names `.old`, `.old.2`, `.old.3` and so on.
  private func setAside(_ log: FilePath) throws {
    for number in 1... {
      let name = FilePath("\(log.string).old" + (number == 1 ? "" : ".\(number)"))
      let linked = log.withPlatformString { from in name.withPlatformString { link(from, $0) } }
      if linked == 0 { return }
      let reason = Errno.current
      guard reason == .fileExists else {
        throw IOError(.createOutput, AuditLog.path(beside: place.path), reason)
      }
    }
  }
}
