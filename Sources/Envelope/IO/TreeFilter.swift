import SystemPackage

/// The rules that leave out entries in a walk over trees.
package struct TreeSelection: Sendable {
  package var rules = FilterRules()
  /// True if a directory on another file system than the root is taken without what is in it.
  package var isOneFileSystem = false
  /// True if of a cache only the directory and its tag are taken.
  package var excludesCaches = false

  package init() {}

  package var isEverything: Bool { rules.isEmpty && !isOneFileSystem && !excludesCaches }
}

/// The rules that leave out entries in a walk over one tree.
package struct TreeFilter: Sendable {
  private let selection: TreeSelection
  /// The path of the tree in the paths that the rules see.
  private let root: [UInt8]
  /// The end of the names of messages, which the rules do not see; empty if they see whole names.
  private let suffix: [UInt8]

  /// `root` is empty if the rules see paths relative to the tree.
  package init(_ selection: TreeSelection, root: FilePath, suffix: [UInt8]) {
    self.selection = selection
    self.root = Self.bytes(of: root)
    self.suffix = suffix
  }

  /// True if some directories may be taken without what is in them.
  var canHideContents: Bool { selection.isOneFileSystem || selection.excludesCaches }

  /// True if a directory is taken without what is in it: it is on another file system.
  func leavesContents(of directory: FileStatus, in root: FileStatus?) -> Bool {
    guard selection.isOneFileSystem, let root else { return false }
    return directory.device != root.device
  }

  /// True if the directory is a cache whose contents are left out.
  func leavesCache(_ directory: Descriptor, _ names: [FilePath]) -> Bool {
    selection.excludesCaches && CacheTag.isIn(directory, names)
  }

  /// True if the rules leave out the entry `relative` of the tree. An empty path is the tree itself.
  package func excludes(_ relative: FilePath, isDirectory: Bool) -> Bool {
    if selection.rules.isEmpty { return false }
    var path = root
    let own = Self.bytes(of: relative)
    if !path.isEmpty, !own.isEmpty { path.append(UInt8(ascii: "/")) }
    path += own
    if !isDirectory { removeSuffix(&path) }
    return !path.isEmpty && selection.rules.excludes(FilterPath(path, isDirectory: isDirectory))
  }

  private func removeSuffix(_ path: inout [UInt8]) {
    let rest = path.dropLast(suffix.count)
    guard path.suffix(suffix.count).elementsEqual(suffix), let last = rest.last,
      last != UInt8(ascii: "/")
    else { return }
    path.removeLast(suffix.count)
  }

  private static func bytes(of path: FilePath) -> [UInt8] {
    path.withPlatformString { start in
      UnsafeRawBufferPointer(start: start, count: path.length).map { $0 }
    }
  }
}
