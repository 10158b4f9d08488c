import Glibc
import SystemPackage

/// Looks up names below a directory that is open. Follows no links.
package struct TreeLookup {
  private let root: Descriptor
  /// The last directory that was looked up; without a descriptor if it does not exist. A tree is
  /// walked directory by directory, so it is often used again.
  private var latest: (relative: FilePath, directory: Descriptor?)?

  package init(below root: Descriptor) { self.root = root }

  /// The status of the entry `relative`; nil if it does not exist.
  package mutating func status(of relative: FilePath) throws(IOError) -> FileStatus? {
    guard let name = relative.lastName else { return try root.status() }
    return try directory(relative.directory).flatMap { (directory) throws(IOError) in
      try FileStatus.at(name, in: directory)
    }
  }

  /// True if a walk with this filter does not see what is in the directory `relative`: it or a
  /// directory that contains it is a cache, or on another file system than the root. False if it
  /// does not exist.
  package mutating func isHidden(
    _ relative: FilePath, by filter: TreeFilter
  ) throws(IOError) -> Bool {
    guard filter.canHideContents else { return false }
    let top = try root.status()
    var relative = relative
    while true {
      if let directory = try directory(relative),
        try filter.leavesContents(of: directory.status(), in: top)
          || filter.leavesCache(directory, [CacheTag.name])
      {
        return true
      }
      if relative.isEmpty { return false }
      relative = relative.directory
    }
  }

  /// The directory `relative`; nil if it does not exist, or is not a directory.
  private mutating func directory(_ relative: FilePath) throws(IOError) -> Descriptor? {
    if relative.isEmpty { return root }
    if let latest, latest.relative == relative { return latest.directory }
    var current: Descriptor? = root
    for component in relative.components {
      guard let parent = current else { break }
      current = try Self.open(component, in: parent)
    }
    latest = (relative, current)
    return current
  }

  private static func open(
    _ name: FilePath.Component, in parent: Descriptor
  ) throws(IOError) -> Descriptor? {
    let number = Descriptor.retrying {
      name.withPlatformString {
        openat(
          parent.number, $0, Descriptor.pathOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      }
    }
    let path = parent.path.appending(name)
    if number >= 0 { return Descriptor(owning: number, path: path) }
    let reason = Errno.current
    switch reason {
    case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels: return nil
    default: throw IOError(.readDirectory, path, reason)
    }
  }
}
