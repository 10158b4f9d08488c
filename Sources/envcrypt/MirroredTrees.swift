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

    var outputPath: FilePath { output.path.pushing(name) }
  }

  private(set) var trees: [Tree] = []
  /// The trees without files. Their outputs stay, because the files may only be out of reach.
  private(set) var empty: [FilePath] = []
  /// The files that were there, but not when they were opened. Their outputs stay.
  var vanished: Set<FilePath> = []
  /// False if an input or a directory could not be read.
  var isComplete = true

  mutating func add(
    _ root: FilePath, _ directory: Descriptor, output: OutputDirectory, name: FilePath
  ) {
    trees.append(Tree(root: root, directory: directory, output: output, name: name))
  }

  /// Drops the last tree, which has no files.
  mutating func dropLast(_ root: FilePath) {
    trees.removeLast(min(1, trees.count))
    empty.append(root)
  }
}
