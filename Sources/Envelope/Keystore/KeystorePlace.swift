import Glibc
import SystemPackage

/// The place of a new keystore: a name in a directory that was opened once. If the directory's own name leads elsewhere
/// later, everything still happens in the directory that was opened.
final class KeystorePlace: Sendable {
  /// The name as the user gave it.
  let path: FilePath
  /// The same by way of the open directory. Without /proc it is `path`.
  let way: FilePath
  private let directory: Descriptor
  private let name: FilePath.Component

  /// Throws `FileRuleError.noDirectory`, `isDirectory`, `IOError`.
  init(_ path: FilePath) throws {
    guard let name = path.lastComponent, name.kind == .regular else {
      throw FileRuleError.isDirectory(path)
    }
    let parent = path.directory
    let directory: FilePath = parent.isEmpty ? "." : parent
    var number: Int32 = -1
    // A directory that cannot be listed may still be written.
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

  /// The way to what is beside the keystore, under a name of its own.
  func way(to name: String) -> FilePath { way.removingLastComponent().appending(name) }

  /// The file that has the keystore's name with this ending; nil if there is none. No link is followed.
  func status(of ending: String = "") throws -> FileStatus? {
    do {
      return try FileStatus.at(FilePath(way.string + ending), followingLinks: false)
    } catch {
      throw IOError(.createOutput, FilePath(path.string + ending), error.errno)
    }
  }

  /// Opens what has the name, to read it. No link is followed, and nothing is waited for.
  func openedForReading() throws -> Descriptor {
    let number = Descriptor.retrying {
      way.withPlatformString {
        open($0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
      }
    }
    guard number >= 0 else { throw IOError.current(.openInput, path) }
    return Descriptor(owning: number, path: path)
  }

  /// Has errors name files as the user would.
  func namingAsGiven<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as IOError {
      guard error.path.directory == way.directory else { throw error }
      let name = error.path.string.dropFirst(way.directory.string.utf8.count + 1)
      throw IOError(error.operation, path.directory.appending(String(name)), error.errno)
    }
  }

  /// Two that place at once would mix their stores and logs. If there are no locks they may, and if
  /// somebody has the directory locked for a purpose of his own: `flock DIR envcrypt …`.
  func lock() {
    for _ in 0..<1000 {
      let result = Descriptor.retrying { flock(directory.number, LOCK_EX | LOCK_NB) }
      if result == 0 || systemErrno() != EWOULDBLOCK { return }
      usleep(10_000)
    }
  }

  /// New names are on the disk too when this returns.
  func synchronize() { fsync(directory.number) }
}
