import Envelope
import Glibc
import SystemPackage

/// The file of a keystore, under whatever name it was found. Its audit log, journal and locks
/// belong to the path of the real file.
struct KeystoreFile: Sendable {
  /// The path of the real file, which is not a symbolic link. Its directories may be links.
  let path: FilePath
  let status: FileStatus

  /// Throws `missing`, `notAKeystore`, `loosePermissions`, `severalNames`.
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
    guard try found.permissions & (Self.isShared(path, found) ? 0o007 : 0o077) == 0 else {
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
    self.path = path
    self.status = found
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

  /// Throws if there is a file beside the database that SQLite would use and that is not ours.
  func refuseStrays() throws {
    let log = FilePath(path.string + "-wal")
    // SQLite looks for a write-ahead log whatever mode the file header says.
    if try FileStatus.at(log, followingLinks: false) != nil {
      throw KeystoreFileError.strayWriteAheadLog(log, keystore: path)
    }
    let journal = FilePath(path.string + "-journal")
    let number = Descriptor.retrying {
      journal.withPlatformString {
        open($0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
      }
    }
    if number < 0 {
      if systemErrno() == ELOOP { throw KeystoreFileError.foreignJournal(journal) }
      return
    }
    let descriptor = Descriptor(owning: number, path: journal)
    let status = try descriptor.status()
    guard status.kind == .regular, try !Self.namesAnother(descriptor, size: status.size) else {
      throw KeystoreFileError.foreignJournal(journal)
    }
  }

  /// True if the journal ends with the name of another file, as journals of a transaction over
  /// several databases do. SQLite deletes that file after the rollback, whatever it is. We never
  /// make such transactions.
  private static func namesAnother(_ journal: Descriptor, size: Int64) throws -> Bool {
    let mark: [UInt8] = [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]
    guard size >= 16 else { return false }
    var end = [UInt8](repeating: 0, count: mark.count)
    let count = try end.withUnsafeMutableBytes {
      var span = MutableRawSpan(_unsafeBytes: $0)
      return try journal.read(into: &span, at: size - Int64(mark.count))
    }
    return count == mark.count && end == mark
  }
}
