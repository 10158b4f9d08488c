import SystemPackage

/// The filter rules for one tree.
package struct TreeFilter: Sendable {
  private let rules: FilterRules
  /// The path of the tree in the paths that the rules see.
  private let root: [UInt8]
  /// The end of the names of messages, which the rules do not see; empty if they see whole names.
  private let suffix: [UInt8]

  /// `root` is empty if the rules see paths relative to the tree.
  package init(_ rules: FilterRules, root: FilePath, suffix: [UInt8]) {
    self.rules = rules
    self.root = Self.bytes(of: root)
    self.suffix = suffix
  }

  /// True if the rules leave out the entry `relative` of the tree. An empty path is the tree itself.
  package func excludes(_ relative: FilePath, isDirectory: Bool) -> Bool {
    if rules.isEmpty { return false }
    var path = root
    let own = Self.bytes(of: relative)
    if !path.isEmpty, !own.isEmpty { path.append(UInt8(ascii: "/")) }
    path += own
    if !isDirectory { removeSuffix(&path) }
    return !path.isEmpty && rules.excludes(FilterPath(path, isDirectory: isDirectory))
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
