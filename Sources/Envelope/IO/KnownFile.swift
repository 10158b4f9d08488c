import Glibc
import SystemPackage

/// A file that a walk found, to be found again later. Unlike a `FoundFile`, it keeps only the root
/// of the tree open, so that there can be many.
package struct KnownFile: Sendable {
  private let root: Descriptor
  private let relative: FilePath
  private let path: FilePath
  private let status: FileStatus
  private let directoryPermissions: [mode_t]

  package init(_ found: FoundFile) {
    root = found.root
    relative = found.relative
    path = found.place.path
    status = found.status
    directoryPermissions = found.directoryPermissions
  }

  /// Opens the directory of the file again, without following a link below the root of the tree.
  package func found() throws(IOError) -> FoundFile {
    let directory = try root.directory(below: relative.directory, flags: Descriptor.pathOnly)
    guard let name = relative.lastName else {
      throw IOError(.openInput, path, .noSuchFileOrDirectory)
    }
    return FoundFile(
      place: FilePlace(name, in: directory, path: path), status: status,
      directoryPermissions: directoryPermissions, root: root, parent: relative.directory)
  }
}

extension Descriptor {
  /// Opens the directory at a path below this one without following a link.
  func directory(below relative: FilePath, flags: Int32) throws(IOError) -> Descriptor {
    let path = self.path.pushing(relative)
    var current = self
    var rest = Array(relative.components)[...]
    while let component = rest.popFirst() {
      let isLast = rest.isEmpty
      let number = Self.retrying {
        component.withPlatformString {
          openat(
            current.number, $0,
            (isLast ? flags : Self.pathOnly) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
      }
      guard number >= 0 else { throw .current(.openInput, path) }
      current = Descriptor(owning: number, path: path)
    }
    return current
  }
}
