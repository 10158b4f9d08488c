import Envelope
import SystemPackage

/// One input and the place of its output.
struct FileJob {
  private enum Input {
    case named(FilePath)
    case found(FoundFile)
  }

  private let source: Input
  /// The output that `place` does not determine.
  private let namedOutput: FilePath?
  /// True if the output replaces the input.
  let replacesInput: Bool
  /// The place of the output; nil if `output` alone determines it.
  let place: OutputPlace?

  /// The job of an input that the user named.
  init(input: FilePath, output: FilePath?, replacesInput: Bool, place: OutputPlace?) {
    source = .named(input)
    namedOutput = output
    self.replacesInput = replacesInput
    self.place = place
  }

  /// The job of a file of a tree.
  init(_ found: FoundFile, output: FilePath?, replacesInput: Bool, place: OutputPlace?) {
    source = .found(found)
    namedOutput = output
    self.replacesInput = replacesInput
    self.place = place
  }

  var input: FilePath {
    switch source {
    case .named(let input): input
    case .found(let file): file.place.path
    }
  }

  /// Nil if the output is standard output or if there is none.
  var output: FilePath? { place?.path ?? namedOutput }

  /// The file as the walk over a tree has found it; nil if the input is not from a tree.
  var found: FoundFile? {
    if case .found(let file) = source { return file }
    return nil
  }
}

/// The place of an output that must not leave a directory.
enum OutputPlace {
  /// The file `name` in the directory `parent`, a path below a directory.
  case below(OutputDirectory, parent: FilePath, name: FilePath)
  /// Beside its input, in a directory that is already open.
  case beside(FilePlace)

  var path: FilePath {
    switch self {
    case .below(let directory, let parent, let name):
      directory.path.pushing(parent).pushing(name)
    case .beside(let place): place.path
    }
  }

  /// The last component of the path.
  var name: FilePath {
    switch self {
    case .below(_, _, let name): name
    case .beside(let place): place.name
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
