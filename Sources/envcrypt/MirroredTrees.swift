import Envelope
import SystemPackage

/// The trees of a run whose outputs are collected in another directory, for `--delete`.
struct MirroredTrees {
  struct Tree {
    /// The directory as the user named it.
    let root: FilePath
    let directory: Descriptor
    /// The place of its outputs.
    let output: OutputDirectory
    let name: FilePath
    /// Leaves entries out of the tree. Their outputs stay.
    let filter: TreeFilter?

    var outputPath: FilePath { output.path.pushing(name) }
  }

  private(set) var trees: [Tree] = []
  /// The trees without files. Their outputs stay, because the files may only be out of reach.
  private(set) var empty: [FilePath] = []
  /// The files and directories that were there, but not when they were opened. Their outputs stay.
  var vanished: Set<FilePath> = []
  /// False if an input or a directory could not be read.
  var isComplete = true

  /// Throws if the tree `root` is in its own output tree, from which entries may be removed.
  static func requireApart(
    _ root: FilePath, from output: OutputDirectory?, _ name: FilePath
  ) throws {
    guard let output else {
      throw Failure(
        .usage, "--delete needs another directory for the outputs than that of the files")
    }
    let place = output.path.pushing(name)
    guard let status = try FileStatus.at(place), status.kind == .directory,
      try Descriptor.isDirectory(root, in: status)
    else { return }
    throw Failure(
      .usage,
      "\(Text.printable(root)) is in \(Text.printable(place)), from which --delete would remove it",
      hint: "name another directory with -o")
  }

  mutating func add(
    _ root: FilePath, _ directory: Descriptor, output: OutputDirectory, name: FilePath,
    filter: TreeFilter?
  ) {
    trees.append(
      Tree(root: root, directory: directory, output: output, name: name, filter: filter))
  }

  /// True if the output of an entry of a tree stays, even if the entry is gone.
  func spares(_ relative: FilePath, isDirectory: Bool, in tree: Tree) -> Bool {
    var path = relative
    var isDirectory = isDirectory
    while !path.isEmpty {
      if vanished.contains(tree.root.pushing(path)) { return true }
      if tree.filter?.excludes(path, isDirectory: isDirectory) == true { return true }
      path = path.removingLastComponent()
      isDirectory = true
    }
    return false
  }

  /// Drops the last tree, which has no files.
  mutating func dropLast(_ root: FilePath) {
    trees.removeLast(min(1, trees.count))
    empty.append(root)
  }
}
