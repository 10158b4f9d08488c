import Envelope
import SystemPackage

/// One input and where its output belongs.
struct FileJob {
  let input: FilePath
  /// Nil for standard output.
  let output: FilePath?
  /// Whether the output takes the input's place.
  let replacesInput: Bool
  /// Bytes of the input, where the walk over a tree has told them.
  var size: Int64?
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
      let name = input.argument
      switch self {
      case .encrypt: return FilePath(argument: name + Self.suffix)
      case .decrypt:
        guard FilePlan.hasSuffix(input) else { return nil }
        return FilePath(argument: String(name.dropLast(Self.suffix.count)))
      case .replace: return input
      case .none: return nil
      }
    }
  }

  private let isRecursive: Bool
  private let output: FilePath?
  private let naming: Naming
  private let isDirectoryOutput: Bool
  /// Inputs to come, the last one first.
  private var paths: [FilePath]
  private var root: FilePath = ""
  private var tree: FileTree?
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
      isDirectoryOutput = false
      if output == "-", inputs.areMany {
        throw Failure(
          .usage, "several outputs cannot all go to standard output",
          hint: "-o DIR collects them, no -o puts each beside its input")
      }
      return
    }
    let status = try FileStatus.at(output)
    isDirectoryOutput = status?.kind == .directory
    if inputs.areMany, !isDirectoryOutput {
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
      if isRecursive, path != "-", isDirectory(path) {
        root = path
        tree = FileTree(path)
      } else {
        return step(path, below: nil, relative: nil, size: nil)
      }
    }
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
        } else if naming == .encrypt, Self.hasSuffix(input), Self.isMessage(input) {
          passedOver.messages += 1
        } else {
          return step(input, below: root, relative: relative, size: status.size)
        }
      }
    }
    if let skipped = tree?.skipped { passedOver.add(skipped) }
    return nil
  }

  private func step(
    _ input: FilePath, below root: FilePath?, relative: FilePath?, size: Int64?
  ) -> Step {
    do {
      let output = try output(for: input, below: root, relative: relative)
      return .job(
        FileJob(
          input: input, output: output, replacesInput: naming == .replace && output != nil,
          size: size))
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
      let size = job.size ?? (status?.kind == .regular ? status?.size : nil) ?? 0
      total = size > .max - total ? .max : total + size
    }
    return total
  }

  private func isDirectory(_ path: FilePath) -> Bool {
    (try? FileStatus.at(path))?.kind == .directory
  }

  private func output(
    for input: FilePath, below root: FilePath?, relative: FilePath?
  ) throws -> FilePath? {
    if naming == .none { return nil }
    if let output, !isDirectoryOutput { return output == "-" ? nil : output }
    if input == "-" {
      if isDirectoryOutput {
        throw Failure(.usage, "standard input has no name to store under in a directory")
      }
      return nil
    }
    guard let named = naming.output(for: relative ?? input) else {
      if try FileStatus.at(input) == nil {
        throw IOError(.openInput, input, .noSuchFileOrDirectory)
      }
      throw Failure(
        .usage, "the name does not end in \(Naming.suffix), so it tells no name for the output",
        hint: "name the output with -o FILE, or -o - for standard output")
    }
    guard isDirectoryOutput, let output else { return root?.pushing(named) ?? named }
    if let root {
      // As cp -r does: a directory keeps its name below the one that collects.
      let base = root.lexicallyNormalized().lastComponent.map { output.appending($0) } ?? output
      return base.pushing(named)
    }
    return named.lastComponent.map { output.appending($0) }
  }

  static func hasSuffix(_ path: FilePath) -> Bool {
    path.argument.hasSuffix(Naming.suffix) && path.lastComponent?.string != Naming.suffix
  }

  /// Whether a file begins as a message does: `encrypt -R` twice over a tree leaves messages be.
  private static func isMessage(_ path: FilePath) -> Bool {
    guard let descriptor = try? Descriptor.openInput(path) else { return false }
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

  mutating func add(_ skipped: FileTree.Skipped) {
    symbolicLinks += skipped.symbolicLinks
    specialFiles += skipped.specialFiles
  }

  /// "2 symbolic links, 1 special file", or nil where nothing was.
  var summary: String? {
    let parts = [
      (symbolicLinks, "symbolic link"), (specialFiles, "special file"),
      (messages, "encrypted file"), (otherFiles, "other file"),
    ].filter { $0.0 > 0 }.map { Text.count($0.0, $0.1) }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}
