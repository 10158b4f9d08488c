import Envelope
import SystemPackage

/// One input and where its output belongs.
struct FileJob {
  let input: FilePath
  /// Nil for standard output.
  let output: FilePath?
  /// Whether the output takes the input's place.
  let replacesInput: Bool
  /// The place of the output; nil if its name alone gives it.
  var place: OutputPlace?
  /// What the walk over a tree has found.
  var found: FoundFile?
}

/// The place of an output that may not leave a directory.
enum OutputPlace {
  /// To a path below a directory.
  case below(OutputDirectory, FilePath)
  /// Beside its input, in a directory that is open.
  case beside(FilePlace)

  var path: FilePath {
    switch self {
    case .below(let directory, let relative): directory.path.pushing(relative)
    case .beside(let place): place.path
    }
  }
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

    /// The work on the inputs.
    var verb: String {
      switch self {
      case .encrypt: "encrypt"
      case .decrypt: "decrypt"
      case .replace: "reencrypt"
      case .none: "verify"
      }
    }

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
  let naming: Naming
  /// The files that are never an output.
  let keystoreFiles: KeystoreFiles
  /// The directories that are made for outputs.
  let made = MadeDirectories()
  /// The directory that `output` names, if it names one.
  private let collector: OutputDirectory?
  /// Inputs to come, the last one first.
  private var paths: [FilePath]
  /// All inputs, if there may be trees among them.
  private let allPaths: [FilePath]
  /// True if there is only one, so that no two outputs can have one name.
  let isSingle: Bool
  private var root: FilePath = ""
  private var tree: FileTree?
  /// How many files of the tree were not passed over.
  private var treeCount = 0
  /// The directory of the outputs of the tree; nil if they belong beside their inputs.
  private var treeOutput: OutputDirectory?
  private var treeName: FilePath = ""
  /// What has been passed over on the way.
  private(set) var passedOver = PassedOver()

  /// Throws if `output` cannot take what is to come.
  init(
    _ inputs: InputOptions, output: String?, naming: Naming, keystoreFiles: KeystoreFiles
  ) throws {
    isRecursive = inputs.recursive
    self.naming = naming
    self.keystoreFiles = keystoreFiles
    let paths = try inputs.paths()
    self.paths = paths.reversed()
    isSingle = paths.count <= 1
    allPaths = isRecursive ? paths : []
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
    collector =
      status?.kind == .directory
      ? try OutputDirectory(output, recording: made, reserved: keystoreFiles) : nil
    if inputs.areMany, collector == nil {
      throw status == nil
        ? FileRuleError.noDirectory(output) : FileRuleError.notADirectory(output)
    }
  }

  /// A job, or an input that cannot become one.
  enum Step {
    case job(FileJob)
    case failure(FilePath, any Error)
    /// A file of a tree that was gone when its turn came.
    case vanished(FilePath)
  }

  mutating func next() -> Step? {
    while true {
      if tree != nil {
        if let step = nextInTree() { return step }
        tree = nil
        if let step = endOfTree() { return step }
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

  /// Begins the walk over a tree. The directory that collects the outputs is not one of the inputs.
  private mutating func enter(_ path: FilePath) throws {
    var excluded: [FileStatus] = []
    treeOutput = collector
    treeName = ""
    treeCount = 0
    if let collector {
      // As cp -r does: a directory keeps its name below the one that collects, if it has one.
      treeName = Self.name(ofTree: path)
      let directory = try collector.status()
      let own = try FileStatus.at(path)
      func leaveAlone(_ name: FilePath) throws {
        let status = try FileStatus.at(collector.path.pushing(name), followingLinks: false)
        guard let status, status.kind == .directory else { return }
        if let own, status.isSameFile(as: own) { return }
        excluded.append(status)
      }
      if let own, directory.isSameFile(as: own) {
        // The files that other trees have here are outputs, too.
        for name in Set(allPaths.filter(isDirectory).map(Self.name)) where !name.isEmpty {
          try leaveAlone(name)
        }
        if treeName.isEmpty { treeOutput = nil }
      } else {
        excluded.append(directory)
        try leaveAlone(treeName)
        let place = collector.path.pushing(treeName)
        if let own, let there = try FileStatus.at(place, followingLinks: false),
          there.isSameFile(as: own)
        {
          treeOutput = nil
        }
      }
    }
    root = path
    // An output in the tree must be where the user meant it.
    tree = try FileTree(path, excluding: excluded, isWritten: treeOutput == nil && naming != .none)
  }

  /// The name that a tree keeps where outputs are collected; empty if its path ends in none.
  private static func name(ofTree path: FilePath) -> FilePath {
    guard let name = path.lexicallyNormalized().lastComponent, name.kind == .regular else {
      return ""
    }
    return FilePath().appending(name)
  }

  /// The next file of the tree that is one for this command.
  private mutating func nextInTree() -> Step? {
    while let entry = tree?.next() {
      switch entry {
      case .failure(let error):
        treeCount += 1
        let isGone = error.operation == .openInput && error.errno == .noSuchFileOrDirectory
        return isGone ? .vanished(error.path) : .failure(error.path, error)
      case .file(let relative, let found):
        let input = root.pushing(relative)
        if passesOver(input, found) { continue }
        treeCount += 1
        return step(input, in: relative, found: found)
      }
    }
    if let tree { passedOver.add(tree.skipped) }
    return nil
  }

  /// True if a file of a tree is not for this command. Counts it then.
  private mutating func passesOver(_ input: FilePath, _ found: FoundFile) -> Bool {
    guard naming == .encrypt else {
      if Self.hasSuffix(input) { return false }
      passedOver.otherFiles += 1
      return true
    }
    if found.isUnfinished {
      passedOver.unfinishedFiles += 1
      return true
    }
    // Beside the inputs are the outputs of earlier runs. Elsewhere a message is a file like any other.
    guard treeOutput == nil, let source = Self.withoutSuffix(input), isMessage(found) else {
      return false
    }
    let sibling = found.sibling(source)
    passedOver.addMessage(
      input, hasSource: (try? sibling?.status())?.kind == .regular)
    return true
  }

  /// The message about a tree that had nothing for this command.
  private mutating func endOfTree() -> Step? {
    guard treeCount == 0 else { return nil }
    guard naming != .encrypt else {
      passedOver.addEmptyTree(root)
      return nil
    }
    return .failure(root, Self.nothing(to: naming.verb, "in \(Text.printable(root))"))
  }

  /// Nothing was there for a command that was to read messages: a check, or a restore, of nothing has not
  /// succeeded.
  static func nothing(to verb: String, _ place: String) -> Failure {
    Failure(
      .noInput, "no messages to \(verb) \(place)",
      hint: "is the place right, and mounted? Names of messages end in \(Naming.suffix)")
  }

  /// The job of an input; of a tree's, which is `relative` there.
  private func step(
    _ input: FilePath, in relative: FilePath? = nil, found: FoundFile? = nil
  ) -> Step {
    do {
      let place = try place(for: input, in: relative, found)
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
      let size = job.found?.status.size ?? (status?.kind == .regular ? status?.size : nil) ?? 0
      total = size > .max - total ? .max : total + size
    }
    return total
  }

  private func isDirectory(_ path: FilePath) -> Bool {
    (try? FileStatus.at(path))?.kind == .directory
  }

  /// Where an output belongs that is collected in a directory, or that is a tree's.
  private func place(
    for input: FilePath, in relative: FilePath?, _ found: FoundFile?
  ) throws -> OutputPlace? {
    if let relative, let found {
      switch naming {
      case .none, .replace: return nil
      case .encrypt, .decrypt: break
      }
      let name = try name(for: relative)
      if let treeOutput { return .below(treeOutput, treeName.pushing(name)) }
      return found.sibling(root.pushing(name)).map { .beside($0) }
    }
    guard let collector, naming != .none else { return nil }
    if input == "-" {
      throw Failure(.usage, "standard input has no name to store under in a directory")
    }
    guard let name = try name(for: input).lastComponent else { return nil }
    return .below(collector, FilePath().appending(name))
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
  private func isMessage(_ found: FoundFile) -> Bool {
    // To close the keystore's file would let go of the locks that SQLite has of it.
    guard !keystoreFiles.isStore(found.status),
      let descriptor = try? Descriptor.openInput(found.place, foundAs: found.status)
    else { return false }
    return (try? MessageInspector.inspect(descriptor, limits: .standard)) != nil
  }
}
