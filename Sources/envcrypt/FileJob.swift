import Envelope
import SystemPackage

/// One input and the place of its output.
struct FileJob {
  let input: FilePath
  /// Nil if the output is standard output or if there is none.
  let output: FilePath?
  /// True if the output replaces the input.
  let replacesInput: Bool
  /// The place of the output; nil if `output` alone determines it.
  var place: OutputPlace?
  /// The file as the walk over a tree has found it; nil if the input is not from a tree.
  var found: FoundFile?
}

/// The place of an output that must not leave a directory.
enum OutputPlace {
  /// At a relative path below a directory.
  case below(OutputDirectory, FilePath)
  /// Beside its input, in a directory that is already open.
  case beside(FilePlace)

  var path: FilePath {
    switch self {
    case .below(let directory, let relative): directory.path.pushing(relative)
    case .beside(let place): place.path
    }
  }
}

/// A directory or a symbolic link of a tree, which gets its own place in the output directory. No
/// key is needed for it.
struct EntryJob {
  enum Entry {
    case directory(FoundDirectory)
    case symbolicLink(FoundFile)
  }

  let input: FilePath
  let entry: Entry
  /// The place: a path below the output directory.
  let directory: OutputDirectory
  let relative: FilePath

  var output: FilePath { directory.path.pushing(relative) }
}
