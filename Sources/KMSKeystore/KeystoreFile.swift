import Envelope
import Glibc
import SystemPackage

/// The file of a keystore, under whatever name it was found. Its audit log, journal and locks
/// belong to the path of the real file.
struct KeystoreFile: Sendable {
  /// The path of the real file, which is not a symbolic link. Its directories may be links.
  let path: FilePath
  let status: FileStatus

  /// The rule for the files that SQLite keeps beside it.
  let journals: JournalRule

  /// Throws `missing`, `notAKeystore`, `loosePermissions`, `severalNames`, `mounted`, `notUTF8`,
  /// `longPath`.
  init(at name: FilePath, mayHaveOtherNames: Bool = false) throws {
    try Self.check(name)
    var path = name
    var status = try FileStatus.at(name, followingLinks: false)
    if status?.kind == .symbolicLink {
      path = name.realPath ?? name
      try Self.check(path)
      status = try FileStatus.at(path, followingLinks: false)
    }
    guard var found = status, found.kind != .symbolicLink else {
      throw KeystoreError.missing(name)
    }
    guard found.kind == .regular else {
      throw KeystoreError.notAKeystore(name, "it is not a regular file")
    }
    let isShared = try Self.isShared(path, found)
    guard found.permissions & (isShared ? 0o007 : 0o077) == 0 else {
      throw KeystoreError.loosePermissions(path, permissions: UInt32(found.permissions))
    }
    if found.linkCount > 1 {
      // A process that was killed between `link` and `unlink` has left a hidden second name.
      HiddenFile.removeLeftovers(in: path.directory)
      found = try FileStatus.at(path, followingLinks: false) ?? found
    }
    guard found.linkCount <= 1 || mayHaveOtherNames else {
      throw KeystoreFileError.severalNames(path, count: found.linkCount)
    }
    guard mayHaveOtherNames || !FileStatus.isMountPoint(path) else {
      throw KeystoreFileError.mounted(path)
    }
    self.path = path
    self.status = found
    journals = JournalRule(of: found, isShared: isShared)
  }

  /// True if the owner shares the store with a group on purpose, because the directory is shared
  /// with that group.
  private static func isShared(_ path: FilePath, _ status: FileStatus) throws -> Bool {
    let directory = path.directory
    guard let parent = try FileStatus.at(directory.isEmpty ? "." : directory) else { return false }
    return parent.isSharedByGroup && parent.group == status.group
  }

  // MARK: Files beside it

  /// The suffixes of the files that SQLite keeps beside a database. SQLite uses such a file no
  /// matter who put it there.
  static let companions = ["-journal", "-wal", "-shm"]

  /// Throws if there is a file beside the database that SQLite would use and that is not ours. The
  /// error names the file. `JournalRule.enforce` ensures that SQLite does not use such a file if it
  /// appears later.
  func refuseStrays() throws {
    let log = FilePath(path.string + "-wal")
    // SQLite looks for a write-ahead log whatever mode the file header says.
    if try FileStatus.at(log, followingLinks: false) != nil {
      throw KeystoreFileError.strayWriteAheadLog(log, keystore: path)
    }
    try requireOurs(FilePath(path.string + "-shm")) { _ in true }
    try requireOurs(FilePath(path.string + "-journal")) {
      let journal = try KeystoreJournal($0)
      return try journal.isPlausible && !journal.namesAnother()
        && !journal.enlarges(aKeystoreOf: space())
    }
  }

  /// Throws unless the file is absent, or is ours and `isUsable` accepts its contents.
  private func requireOurs(_ file: FilePath, _ isUsable: (Descriptor) throws -> Bool) throws {
    let flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
    func opened(_ mode: Int32) -> Int32 {
      Descriptor.retrying { file.withPlatformString { open($0, mode | flags) } }
    }
    var number = opened(O_RDONLY)
    let isReadable = number >= 0
    // A file of another user, a link and a socket have a status, too.
    if !isReadable { number = opened(Descriptor.pathOnly) }
    guard number >= 0 else { return }
    let descriptor = Descriptor(owning: number, path: file)
    let status = try descriptor.status()
    guard status.kind == .regular else { throw KeystoreFileError.foreignJournal(file) }
    if let fault = journals.fault(of: status) { throw KeystoreFileError.foreignFile(file, fault) }
    guard try !isReadable || isUsable(descriptor) else {
      throw KeystoreFileError.foreignJournal(file)
    }
  }

  /// Throws if the journal is one of another database. `header` reads the first bytes of the
  /// keystore through SQLite's descriptor: to close another one would release SQLite's locks.
  func refuseJournalOfAnother(header: () throws -> [UInt8]?) throws {
    try requireOurs(FilePath(path.string + "-journal")) { file in
      guard let header = try header(),
        try !KeystoreJournal(file).canBelong(toKeystoreWith: header)
      else { return true }
      // If its transaction has ended meanwhile, it is not there any more.
      return try file.status().linkCount == 0
    }
  }

  /// The bytes that the keystore takes on the disk.
  private func space() -> Int64 {
    var now = stat()
    guard path.withPlatformString({ lstat($0, &now) }) == 0 else { return 0 }
    return KeystoreJournal.space(of: now)
  }

  // MARK: Its path

  /// The most bytes of a path that SQLite opens. It counts the full path without links, and leaves
  /// room for the names of its other files.
  static let mostBytesOfAPath = 504

  /// Checks that SQLite can open a file at this path. Throws `notUTF8`, `longPath`.
  static func check(_ path: FilePath) throws {
    // SQLite's path is text. A path with other bytes would name one file here and another there.
    guard String(validating: path) != nil else { throw KeystoreFileError.notUTF8(path) }
    guard fullLength(of: path) <= mostBytesOfAPath else {
      throw KeystoreFileError.longPath(path, limit: mostBytesOfAPath)
    }
  }

  /// Returns the number of bytes of the full path, whose last directories need not exist yet.
  private static func fullLength(of path: FilePath) -> Int {
    var rest = 0
    var start = path
    while let name = start.lastComponent {
      if let real = start.realPath { return real.length + rest }
      rest += 1 + name.withPlatformString { strlen($0) }
      start.removeLastComponent()
    }
    return rest + (path.isAbsolute ? 0 : FilePath(".").realPath?.length ?? 0)
  }
}
