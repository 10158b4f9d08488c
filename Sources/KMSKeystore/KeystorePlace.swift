import Envelope
import Glibc
import SystemPackage

/// The place of a new keystore: a name in a directory that is opened once. If the directory's own
/// name leads elsewhere later, all work still happens in the directory that was opened.
final class KeystorePlace: Sendable {
  /// The name as the user gave it.
  let path: FilePath
  /// The path of the same file through the open directory in /proc. If /proc is not mounted, the
  /// path through the directory's name.
  let way: FilePath
  private let directory: Descriptor
  private let name: FilePath.Component

  /// Throws `FileRuleError.noDirectory`, `notADirectory`, `isDirectory`, `IOError`,
  /// `KeystoreFileError.notUTF8`, `longPath`.
  init(_ path: FilePath) throws {
    try KeystoreFile.check(path)
    guard let name = path.lastComponent, name.kind == .regular else {
      throw FileRuleError.isDirectory(path)
    }
    let parent = path.directory
    let directory: FilePath = parent.isEmpty ? "." : parent
    var number: Int32 = -1
    // A directory that cannot be read may still be writable.
    for flags in [O_RDONLY, Descriptor.pathOnly] where number < 0 {
      number = Descriptor.retrying {
        directory.withPlatformString { open($0, flags | O_DIRECTORY | O_CLOEXEC) }
      }
    }
    guard number >= 0 else {
      let reason = Errno.current
      switch reason {
      case .noSuchFileOrDirectory: throw FileRuleError.noDirectory(directory)
      case .notDirectory: throw FileRuleError.notADirectory(directory)
      default: throw IOError(.createOutput, path, reason)
      }
    }
    self.path = path
    self.name = name
    self.directory = Descriptor(owning: number, path: directory)
    let isProcMounted = access("/proc/self/fd", F_OK) == 0
    way = (isProcMounted ? FilePath("/proc/self/fd/\(number)") : directory).appending(name)
  }

  /// The same place for the rules about names of outputs.
  var filePlace: FilePlace { FilePlace(FilePath().appending(name), in: directory, path: path) }

  /// Returns the path of another name in the same directory.
  func way(to name: String) -> FilePath { way.removingLastComponent().appending(name) }

  /// Returns the status of the file with the keystore's name and this ending; nil if there is none.
  /// Does not follow symbolic links.
  func status(of ending: String = "") throws -> FileStatus? {
    do {
      return try FileStatus.at(FilePath(way.string + ending), followingLinks: false)
    } catch {
      throw IOError(.createOutput, FilePath(path.string + ending), error.errno)
    }
  }

  /// Throws `FileRuleError.reserved` or `unfinishedName` if a new keystore cannot have this name.
  /// `store` is the keystore in use: its names are taken even if its files do not exist.
  func checkName(besides store: FilePath? = nil) throws {
    try KeystoreFiles(of: store).check(newKeystoreAt: filePlace)
  }

  /// Throws `KeystoreError.foreignLog` if the file with the name of the keystore's audit log is
  /// not an audit log. Neither this keystore nor anybody else may replace it or append to it, even
  /// if it is empty.
  func refuseForeignLog() throws {
    guard try status(of: AuditLog.fileSuffix) != nil,
      try !namingAsGiven({ try UnverifiedAuditLog.isLog(AuditLog.path(beside: way)) })
    else { return }
    throw KeystoreError.foreignLog(AuditLog.path(beside: path))
  }

  /// Opens the file at this place for reading. Does not follow symbolic links, and does not wait
  /// for FIFOs or devices.
  func openedForReading() throws -> Descriptor {
    let number = Descriptor.retrying {
      way.withPlatformString {
        open($0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
      }
    }
    guard number >= 0 else { throw IOError.current(.openInput, path) }
    return Descriptor(owning: number, path: path)
  }

  /// Runs `body`, and makes its errors name files by the user's path.
  func namingAsGiven<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as IOError {
      guard error.path.directory == way.directory else { throw error }
      let name = error.path.string.dropFirst(way.directory.string.utf8.count + 1)
      throw IOError(error.operation, path.directory.appending(String(name)), error.errno)
    }
  }

  /// Locks the directory, because two processes that place keystores at the same time could mix
  /// their stores and logs. Goes on without a lock if the file system has none, or if another
  /// process keeps the directory locked for 10 seconds, as `flock DIR envcrypt …` does.
  func lock() {
    for _ in 0..<1000 {
      let result = Descriptor.retrying { flock(directory.number, LOCK_EX | LOCK_NB) }
      if result == 0 || systemErrno() != EWOULDBLOCK { return }
      usleep(10_000)
    }
  }

  /// Flushes new names to the disk.
  func synchronize() { fsync(directory.number) }
}
