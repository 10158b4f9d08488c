import Glibc
import SystemPackage

/// A directory that gets its final attributes at the end of a run: until then the run needs access
/// to it, and each new name in it changes its times.
struct UnfinishedDirectory {
  enum Wanted {
    /// The permission bits; set-group-ID, which a directory inherits from its parent, stays.
    case permissions(mode_t)
    /// All attributes, those of its source.
    case attributes(FileAttributes, ExtendedAttributes?, LostAttributes)
  }

  let root: Descriptor
  /// The path of the directory below the root.
  let relative: FilePath
  let device: UInt64
  let inode: UInt64
  let wanted: Wanted

  private var depth: Int { relative.withPlatformString { Self.slashes(in: $0) } }

  private static func slashes(in path: UnsafePointer<CChar>) -> Int {
    if path.pointee == 0 { return -1 }
    var count = 0
    for index in 0..<strlen(path) where path[index] == CChar(bitPattern: UInt8(ascii: "/")) {
      count += 1
    }
    return count
  }

  /// Returns what is wanted last for each directory. Outer directories come first.
  static func last(_ directories: [UnfinishedDirectory]) -> [UnfinishedDirectory] {
    var seen: Set<[UInt64]> = []
    return directories.reversed().filter { seen.insert([$0.device, $0.inode]).inserted }
      .map { (depth: $0.depth, directory: $0) }
      .sorted { $0.depth < $1.depth }.map(\.directory)
  }

  /// Gives the directory its attributes and returns it; nil if the user may not. Inner directories
  /// must come first, while the outer ones can still be entered. Throws `IOError` if another
  /// directory has taken its place.
  func finish() throws(IOError) -> Descriptor? {
    let path = root.path.pushing(relative)
    let directory: Descriptor
    do throws(IOError) {
      directory = try open(path)
    } catch {
      guard case .attributes(_, _, let lost) = wanted, error.errno == .permissionDenied else {
        throw error
      }
      lost.note(.mode, path)
      return nil
    }
    let now = try directory.status()
    guard now.device == device, now.inode == inode else {
      throw IOError(.createOutput, path, .noSuchFileOrDirectory)
    }
    switch wanted {
    case .permissions(let permissions):
      guard fchmod(directory.number, now.specialBits | permissions) == 0 else {
        throw .current(.createOutput, path)
      }
    case .attributes(let attributes, let extended, let lost):
      attributes.apply(to: directory, extended, noting: lost)
    }
    return directory
  }

  private func open(_ path: FilePath) throws(IOError) -> Descriptor {
    if relative.isEmpty { return try root.reopened() }
    do throws(IOError) {
      return try root.directory(below: relative, flags: O_RDONLY)
    } catch {
      throw IOError(.createOutput, path, error.errno)
    }
  }
}

extension Descriptor {
  /// Opens this directory again, for reading.
  func reopened() throws(IOError) -> Descriptor {
    let number = Self.retrying { openat(self.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard number >= 0 else { throw .current(.readDirectory, path) }
    return Descriptor(owning: number, path: path)
  }
}
