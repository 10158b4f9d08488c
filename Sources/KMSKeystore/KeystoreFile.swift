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

  /// Throws `missing`, `notAKeystore`, `loosePermissions`, `severalNames`, `mounted`.
  init(at name: FilePath, mayHaveOtherNames: Bool = false) throws {
    var path = name
    var status = try FileStatus.at(name, followingLinks: false)
    if status?.kind == .symbolicLink {
      path = name.realPath ?? name
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
      try !Self.namesAnother($0) && !enlarges($0)
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

  /// The bytes at the start of a journal. They are also at its end if the journal names another
  /// file.
  static let journalMark: [UInt8] = [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]

  /// True if the journal would make the file much larger than a keystore with this journal can have
  /// been. SQLite gives the file the size that the journal names before it looks at the rest.
  private func enlarges(_ journal: Descriptor) throws -> Bool {
    var head = [UInt8](repeating: 0, count: 28)
    let count = try head.withUnsafeMutableBytes {
      var span = MutableRawSpan(_unsafeBytes: $0)
      return try journal.read(into: &span, at: 0)
    }
    guard count == head.count, head.starts(with: Self.journalMark) else { return false }
    func number(at index: Int) -> Int64 {
      head[index..<index + 4].reduce(0) { $0 << 8 | Int64($1) }
    }
    // A transaction that makes the file smaller need not have all pages in its journal.
    let pages = (count: number(at: 16), size: number(at: 24))
    let known = try journal.status().size + status.size
    return pages.count * pages.size > (64 << 20) + 16 * min(known, .max >> 5)
  }

  /// True if the journal ends with the name of another file, as journals of a transaction over
  /// several databases do. SQLite deletes that file after the rollback, whatever it is. We never
  /// make such transactions.
  private static func namesAnother(_ journal: Descriptor) throws -> Bool {
    let mark = journalMark
    let size = try journal.status().size
    guard size >= 16 else { return false }
    var end = [UInt8](repeating: 0, count: mark.count)
    let count = try end.withUnsafeMutableBytes {
      var span = MutableRawSpan(_unsafeBytes: $0)
      return try journal.read(into: &span, at: size - Int64(mark.count))
    }
    return count == mark.count && end == mark
  }
}
