import Envelope
import SystemPackage

/// One input and where its output belongs.
struct FileJob {
  let input: FilePath
  /// Nil for standard output.
  let output: FilePath?
}

/// Turns the inputs a person named into jobs.
struct FilePlan {
  /// How an output is named after its input.
  enum Naming {
    /// `.envc` is added.
    case encrypt
    /// `.envc` is taken away.
    case decrypt
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
      case .none: return nil
      }
    }
  }

  private let inputs: InputOptions
  private let output: FilePath?
  private let naming: Naming
  private let isDirectoryOutput: Bool

  /// Throws where `output` cannot take what is to come.
  init(_ inputs: InputOptions, output: String?, naming: Naming) throws {
    self.inputs = inputs
    self.naming = naming
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

  /// Calls `body` with each job, in order, and `fail` with each input that cannot become one.
  /// Returns what was passed over on the way.
  func forEach(
    _ body: (FileJob) throws -> Void, fail: (FilePath, any Error) throws -> Void
  ) throws -> PassedOver {
    var passedOver = PassedOver()
    for path in try inputs.paths() {
      if inputs.recursive, path != "-", try isDirectory(path) {
        var tree = FileTree()
        var failures: [IOError] = []
        try tree.walk(
          path,
          visit: { relative in
            let input = path.pushing(relative)
            if naming != .encrypt, !Self.hasSuffix(input) {
              passedOver.otherFiles += 1
            } else if naming == .encrypt, Self.hasSuffix(input), Self.isMessage(input) {
              passedOver.messages += 1
            } else {
              try run(body, fail, input, below: path, relative: relative)
            }
          }, fail: { failures.append($0) })
        for failure in failures { try fail(failure.path, failure) }
        passedOver.add(tree.skipped)
      } else {
        try run(body, fail, path, below: nil, relative: nil)
      }
    }
    return passedOver
  }

  private func run(
    _ body: (FileJob) throws -> Void, _ fail: (FilePath, any Error) throws -> Void,
    _ input: FilePath, below root: FilePath?, relative: FilePath?
  ) throws {
    let job: FileJob
    do {
      job = FileJob(input: input, output: try output(for: input, below: root, relative: relative))
    } catch {
      try fail(input, error)
      return
    }
    try body(job)
  }

  private func isDirectory(_ path: FilePath) throws -> Bool {
    try FileStatus.at(path)?.kind == .directory
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
