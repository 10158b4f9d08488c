import Glibc
import SystemPackage

/// A directory of this user alone, on a file system in memory (tmpfs or ramfs). Nothing in it is on
/// a disk, unless the system moves memory to a swap area.
///
/// It disappears with `remove`, or if a signal ends the process. If the process is killed, the next
/// process that makes such a directory beside it removes it.
package final class MemoryDirectory: Sendable {
  package let path: FilePath
  private let descriptor: Descriptor
  private let parent: Descriptor
  private let name: FilePath
  private let leftovers: Leftovers

  private static let prefix = "envcrypt-edit-"

  /// Makes a directory in the first of `places` that is in memory and in which no other user can
  /// replace it; nil if there is none. `leftovers` records it.
  package static func make(in places: [FilePath], leftovers: Leftovers) throws -> MemoryDirectory? {
    for place in places where place.isAbsolute {
      let number = place.withPlatformString { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
      guard number >= 0 else { continue }
      let parent = Descriptor(owning: number, path: place)
      guard FileSystemType.isInMemory(parent), try parent.status().keepsNames else { continue }
      removeLeftovers(in: parent)
      // Another process may take the new directory for a leftover before it is locked.
      for _ in 0..<3 {
        if let made = try MemoryDirectory(in: parent, leftovers) { return made }
      }
    }
    return nil
  }

  /// Nil if the system refuses the directory, or if another process has removed it.
  private init?(in parent: Descriptor, _ leftovers: Leftovers) throws {
    self.parent = parent
    self.leftovers = leftovers
    let name = FilePath(Self.prefix + Hexadecimal.encode(try Random.bytes(6)))
    self.name = name
    path = parent.path.pushing(name)
    leftovers.add(tree: name, in: parent)
    let number = leftovers.withoutEnding {
      // Programs that this process starts inherit the descriptor, and with it the lock.
      name.withPlatformString { start -> Int32 in
        guard mkdirat(parent.number, start, 0o700) == 0 else { return -1 }
        return openat(parent.number, start, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      }
    }
    guard number >= 0 else {
      leftovers.forget(name, in: parent)
      return nil
    }
    descriptor = Descriptor(owning: number, path: path)
    let status = try descriptor.status()
    guard HiddenFile.lock(number), status.owner == geteuid(), status.permissions == 0o700 else {
      leftovers.remove(name, in: parent)
      return nil
    }
  }

  /// Makes a file for its owner alone.
  package func write(_ bytes: borrowing SecretBytes, to name: FilePath) throws {
    let number = Descriptor.retrying {
      name.withPlatformString {
        openat(descriptor.number, $0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      }
    }
    guard number >= 0 else { throw IOError.current(.createOutput, path.pushing(name)) }
    let file = Descriptor(owning: number, path: path.pushing(name))
    guard fchmod(number, 0o600) == 0 else { throw IOError.current(.createOutput, file.path) }
    try bytes.withBytes { try file.write($0) }
  }

  /// Opens a regular file in the directory. Throws `FileRuleError.changed` if there is something
  /// else under its name.
  package func open(_ name: FilePath) throws -> Descriptor {
    let number = Descriptor.retrying {
      name.withPlatformString {
        openat(
          descriptor.number, $0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
      }
    }
    guard number >= 0 else { throw IOError.current(.openInput, path.pushing(name)) }
    let file = Descriptor(owning: number, path: path.pushing(name))
    guard try file.status().kind == .regular else { throw FileRuleError.notARegularFile(file.path) }
    return file
  }

  /// Removes the directory with everything in it.
  package func remove() { leftovers.remove(name, in: parent) }

  /// Leaves the directory to the user. Returns its path; no other process removes it.
  package func keep() -> FilePath {
    let kept = FilePath(name.string.replacing(Self.prefix, with: "envcrypt-kept-"))
    let isRenamed = leftovers.withoutEnding {
      let result = name.withPlatformString { from in
        kept.withPlatformString { renameat(parent.number, from, parent.number, $0) }
      }
      leftovers.forget(name, in: parent)
      return result == 0
    }
    return isRenamed ? parent.path.pushing(kept) : path
  }

  /// Removes the directories of killed processes of this user.
  private static func removeLeftovers(in parent: Descriptor) {
    for name in TreeRemoval.names(in: parent.number) where name.string.hasPrefix(prefix) {
      let number = name.withPlatformString {
        openat(parent.number, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      }
      guard number >= 0 else { continue }
      defer { close(number) }
      guard let status = try? FileStatus.of(descriptor: number, name),
        status.owner == geteuid(), flock(number, LOCK_EX | LOCK_NB) == 0
      else { continue }
      TreeRemoval.remove(name, in: parent.number)
    }
  }
}

extension FileStatus {
  /// True if only root and this user can rename this user's files in the directory.
  fileprivate var keepsNames: Bool { isTrusted && (permissions & 0o022 == 0 || isSticky) }
}
