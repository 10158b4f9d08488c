import Envelope
import SystemPackage

/// One input and where its output belongs.
struct FileJob {
  let input: FilePath
  /// Nil for standard output.
  let output: FilePath?
  /// Whether the output takes the input's place.
  let replacesInput: Bool
  /// Where the output stays below, and its path there; nil where its name alone says where it goes.
  var place: OutputPlace?
  /// What the walk over a tree has found.
  var found: FileStatus?
}

/// A file below a directory that no output may leave.
struct OutputPlace {
  let directory: OutputDirectory
  let relative: FilePath

  var path: FilePath { directory.path.pushing(relative) }
}

/// Turns the inputs a person named into jobs, one after the other.
struct FilePlan: IteratorProtocol {
  /// How an output is named after its input.
  enum Naming {
    /// `.envc` is added.
    case encrypt
    /// `.envc` is taken away.
    case decrypt
    /// The output replaces the input.
    case replace
    /// There is no output.
    case none

    static let suffix = ".envc"

    /// Nil where the input has no name to make one of.
    func output(for input: FilePath) -> FilePath? {
      switch self {
      case .encrypt: return FilePath(argument: input.argument + Self.suffix)
      case .decrypt: return FilePlan.withoutSuffix(input)
      case .replace: return input
      case .none: return nil
      }
    }
  }

  private let isRecursive: Bool
  private let output: FilePath?
  private let naming: Naming
  /// The directory that `output` names, if it names one.
  private let collector: OutputDirectory?
  /// Inputs to come, the last one first.
  private var paths: [FilePath]
  private var root: FilePath = ""
  private var tree: FileTree?
  /// Where the outputs of the tree belong, and the name of the tree there.
  private var treeOutput: OutputDirectory?
  private var treeName: FilePath = ""
  /// What has been passed over on the way.
  private(set) var passedOver = PassedOver()

  /// Throws where `output` cannot take what is to come.
  init(_ inputs: InputOptions, output: String?, naming: Naming) throws {
    isRecursive = inputs.recursive
    self.naming = naming
    paths = try inputs.paths().reversed()
    let output = output.map(FilePath.init(argument:))
    self.output = output
    guard let output, output != "-" else {
      collector = nil
      if output == "-", inputs.areMany {
        throw Failure(
          .usage, "several outputs cannot all go to standard output",
          hint: "-o DIR collects them, no -o puts each beside its input")
      }
      return
    }
    let status = try FileStatus.at(output)
    collector = status?.kind == .directory ? try OutputDirectory(output) : nil
    if inputs.areMany, collector == nil {
      throw status == nil
        ? FileRuleError.noDirectory(output) : FileRuleError.notADirectory(output)
    }
  }

  /// A job, or an input that cannot become one.
  enum Step {
    case job(FileJob)
    case failure(FilePath, any Error)
  }

  mutating func next() -> Step? {
    while true {
      if tree != nil {
        if let step = nextInTree() { return step }
        tree = nil
      }
      guard let path = paths.popLast() else { return nil }
      guard isRecursive, path != "-", isDirectory(path) else { return step(path) }
      do {
        try enter(path)
      } catch {
        return .failure(path, error)
      }
    }
  }

  /// Begins the walk over a tree. The directory that collects the outputs is none of the inputs.
  private mutating func enter(_ path: FilePath) throws {
    var excluded: [FileStatus] = []
    treeOutput = nil
    treeName = ""
    if let collector {
      // As cp -r does: a directory keeps its name below the one that collects, if it has one.
      if let name = path.lexicallyNormalized().lastComponent, name.kind == .regular {
        treeName.append(name)
      }
      treeOutput = collector
      if let status = try FileStatus.at(collector.path), let other = try FileStatus.at(path),
        !status.isSameFile(as: other)
      {
        excluded.append(status)
      } else if !treeName.isEmpty, let own = try FileStatus.at(collector.path.pushing(treeName)) {
        excluded.append(own)
      }
    } else if output == nil, naming == .encrypt || naming == .decrypt {
      treeOutput = try OutputDirectory(path)
    }
    root = path
    tree = FileTree(path, excluding: excluded)
  }

  /// The next file of the tree that is one for this command.
  private mutating func nextInTree() -> Step? {
    while let entry = tree?.next() {
      switch entry {
      case .failure(let error): return .failure(error.path, error)
      case .file(let relative, let status):
        let input = root.pushing(relative)
        if naming != .encrypt, !Self.hasSuffix(input) {
          passedOver.otherFiles += 1
        } else if naming == .encrypt, Self.hasSuffix(input), Self.isMessage(input, status) {
          passedOver.messages += 1
        } else {
          return step(input, in: relative, found: status)
        }
      }
    }
    if let skipped = tree?.skipped { passedOver.add(skipped) }
    return nil
  }

  /// The job of an input; of a tree's, which is `relative` there.
  private func step(
    _ input: FilePath, in relative: FilePath? = nil, found: FileStatus? = nil
  ) -> Step {
    do {
      let place = try place(for: input, in: relative)
      let output = try place?.path ?? output(for: input)
      return .job(
        FileJob(
          input: input, output: output, replacesInput: naming == .replace && output != nil,
          place: place, found: found))
    } catch {
      return .failure(input, error)
    }
  }

  /// Bytes of all inputs that can be looked at.
  func totalSize() -> Int64 {
    var plan = self
    var total: Int64 = 0
    while let step = plan.next() {
      guard case .job(let job) = step else { continue }
      let status =
        job.input == "-" ? try? Descriptor.standardInput.status() : try? FileStatus.at(job.input)
      let size = job.found?.size ?? (status?.kind == .regular ? status?.size : nil) ?? 0
      total = size > .max - total ? .max : total + size
    }
    return total
  }

  private func isDirectory(_ path: FilePath) -> Bool {
    (try? FileStatus.at(path))?.kind == .directory
  }

  /// Where an output belongs that is collected in a directory, or that is a tree's.
  private func place(for input: FilePath, in relative: FilePath?) throws -> OutputPlace? {
    if let relative {
      guard let treeOutput else { return nil }
      return OutputPlace(
        directory: treeOutput, relative: treeName.pushing(try name(for: relative)))
    }
    guard let collector, naming != .none else { return nil }
    if input == "-" {
      throw Failure(.usage, "standard input has no name to store under in a directory")
    }
    guard let name = try name(for: input).lastComponent else { return nil }
    return OutputPlace(directory: collector, relative: FilePath().appending(name))
  }

  /// The output of an input that is not collected; nil for standard output or none.
  private func output(for input: FilePath) throws -> FilePath? {
    if naming == .none || output == "-" || input == "-" && output == nil { return nil }
    return try output ?? name(for: input)
  }

  private func name(for input: FilePath) throws -> FilePath {
    if let name = naming.output(for: input) { return name }
    if try FileStatus.at(input) == nil {
      throw IOError(.openInput, input, .noSuchFileOrDirectory)
    }
    throw Failure(
      .usage, "the name does not end in \(Naming.suffix), so it tells no name for the output",
      hint: "name the output with -o FILE, or -o - for standard output")
  }

  static func hasSuffix(_ path: FilePath) -> Bool { withoutSuffix(path) != nil }

  /// The path without `.envc`, byte by byte; nil where it does not end so, or where what is left is no
  /// name of a file.
  private static func withoutSuffix(_ path: FilePath) -> FilePath? {
    var bytes = ArgumentBytes.bytes(of: path.argument)
    guard bytes.suffix(Naming.suffix.utf8.count).elementsEqual(Naming.suffix.utf8) else {
      return nil
    }
    bytes.removeLast(Naming.suffix.utf8.count)
    let slash = bytes.lastIndex(of: UInt8(ascii: "/"))
    let name = bytes[(slash.map { $0 + 1 } ?? 0)...]
    guard !["", ".", ".."].contains(where: { name.elementsEqual($0.utf8) }) else { return nil }
    return FilePath(argument: ArgumentBytes.string(from: bytes))
  }

  /// Whether a file begins as a message does: `encrypt -R` twice over a tree leaves messages be.
  private static func isMessage(_ path: FilePath, _ found: FileStatus) -> Bool {
    guard let descriptor = try? Descriptor.openInput(path, foundAs: found) else { return false }
    return (try? MessageInspector.inspect(descriptor, limits: .standard)) != nil
  }
}

/// What a run over trees left alone.
struct PassedOver {
  var symbolicLinks = 0
  var specialFiles = 0
  /// Files that are messages already, where messages are made.
  var messages = 0
  /// Files that do not end in `.envc`, where such are read.
  var otherFiles = 0
  /// Directories of outputs among the inputs.
  var outputDirectories = 0

  mutating func add(_ skipped: FileTree.Skipped) {
    symbolicLinks += skipped.symbolicLinks
    specialFiles += skipped.specialFiles
    outputDirectories += skipped.directories
  }

  /// "2 symbolic links, 1 special file", or nil where nothing was.
  var summary: String? {
    let parts =
      [
        (symbolicLinks, "symbolic link"), (specialFiles, "special file"),
        (messages, "encrypted file"), (otherFiles, "other file"),
      ].filter { $0.0 > 0 }.map { Text.count($0.0, $0.1) }
      + (outputDirectories > 0 ? ["the output directory"] : [])
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}
