import Envelope
import KMSKeystore
import SystemPackage

/// Turns the inputs that the user named into jobs, one after the other.
struct FilePlan: IteratorProtocol {
  private let isRecursive: Bool
  private let output: FilePath?
  /// True if all outputs go to standard output, one after the other.
  let isJoined: Bool
  let naming: Naming
  /// The suffix of the names of messages.
  let suffix: NameSuffix
  /// The rules that leave out inputs.
  let selection: TreeSelection
  /// The files that must never be an output.
  let keystoreFiles: KeystoreFiles
  /// The directories that were created for outputs.
  let made = MadeDirectories()
  /// The directory that collects the outputs; nil if `output` does not name a directory.
  private let collector: OutputDirectory?
  /// The remaining inputs, in reverse order.
  private var paths: [NamedInput]
  /// All inputs if directories are read recursively; otherwise empty.
  private let allPaths: [NamedInput]
  /// True if there is at most one named input, so that no two outputs can have the same name. A
  /// directory counts as one.
  let isSingle: Bool
  private var root: FilePath = ""
  private var tree: FileTree?
  /// The number of files in the current tree that were not passed over.
  private var treeCount = 0
  /// The directory for the outputs of the current tree; nil if they belong beside their inputs.
  private var treeOutput: OutputDirectory?
  private var treeName: FilePath = ""
  /// The directory of the last file of the tree, below the tree and below `treeOutput`.
  private var outputParent: (source: FilePath, output: FilePath)?
  /// The directories and links before the first message of a tree. A tree without a message is
  /// probably the wrong one, and nothing is made of it.
  private var held: [EntryJob] = []
  /// The steps that come next, in reverse order.
  private var ready: [Step] = []
  /// The files that were passed over so far.
  private(set) var passedOver = PassedOver()
  /// The trees for which outputs of sources that are gone may be removed; nil unless that is wanted.
  private(set) var mirrors: MirroredTrees?

  /// Throws if `output` cannot take the outputs.
  init(
    _ inputs: InputOptions, output name: String?, joining isJoined: Bool = false, naming: Naming,
    suffix: NameSuffix, selection: TreeSelection, keystoreFiles: KeystoreFiles
  ) throws {
    isRecursive = inputs.recursive
    self.naming = naming
    self.suffix = suffix
    self.selection = selection
    self.keystoreFiles = keystoreFiles
    let paths = try inputs.paths()
    self.paths = paths.reversed()
    isSingle = paths.count <= 1
    allPaths = isRecursive ? paths : []
    self.isJoined = isJoined
    output = isJoined ? "-" : name.map(FilePath.init(argument:))
    guard let name, let output, output != "-" else {
      collector = nil
      let isRefused = output == "-" && !isJoined && inputs.areMany
      if isRefused || output == nil && naming != .none && Self.nameSeveralDescriptors(paths) {
        throw Self.severalToStandardOutput(naming)
      }
      return
    }
    let status = try FileStatus.at(output, for: .createOutput)
    let isWanted = inputs.areMany || name.hasSuffix("/")
    guard status?.kind == .directory || isWanted else {
      collector = nil
      return
    }
    guard status == nil || status?.kind == .directory else {
      throw FileRuleError.notADirectory(output)
    }
    collector = try OutputDirectory(output, recording: made, reserved: keystoreFiles)
  }

  /// Leaves out the inputs that are not read yet.
  mutating func stop() { (paths, tree, held, ready) = ([], nil, [], []) }

  /// True if standard output is the output of an input.
  var usesStandardOutput: Bool {
    guard naming != .none else { return false }
    guard let output, output != "-" else {
      return output == "-" || paths.contains(where: \.path.namesDescriptor)
    }
    guard let there = try? FileStatus.at(output), there.kind != .directory,
      let own = try? Descriptor.standardOutput.status()
    else { return false }
    return there.isSameFile(as: own)
  }

  /// From now on notes what `--delete` has to know. Throws if the inputs or the output do not allow
  /// it.
  mutating func mirror() throws {
    guard collector != nil else {
      throw Failure(.usage, "--delete needs a directory for the outputs", hint: "-o DIR")
    }
    let names = paths.map(\.nameOfTree)
    guard names.count <= 1 || Set(names).count == names.count && !names.contains("") else {
      throw Failure(
        .usage, "--delete needs inputs with different names, which do not end in a slash",
        hint: "run envcrypt once for each of them")
    }
    mirrors = MirroredTrees()
  }

  /// A job, or an input that cannot become a job.
  enum Step {
    case job(FileJob)
    case entry(EntryJob)
    case failure(FilePath, any Error)
    /// A file of a tree that no longer existed when it was opened.
    case vanished(FilePath)

    /// The input; nil if it is gone.
    var input: FilePath? {
      switch self {
      case .job(let job): job.input
      case .entry(let job): job.input
      case .failure, .vanished: nil
      }
    }
  }

  /// The most entries that are held back; each may keep a descriptor open.
  private static let heldLimit = 16

  mutating func next() -> Step? {
    while true {
      if let step = ready.popLast() { return step }
      if tree != nil {
        if let step = nextInTree() {
          if case .entry(let job) = step, naming == .decrypt, treeCount == 0,
            held.count < Self.heldLimit
          {
            held.append(job)
            continue
          }
          if held.isEmpty { return step }
          ready = [step] + held.reversed().map { .entry($0) }
          held = []
          continue
        }
        (tree, held) = (nil, [])
        if let step = endOfTree() { return step }
      }
      guard let input = paths.popLast() else { return nil }
      let path = input.path
      do {
        let isTree = try isRecursive && path != "-" && isDirectory(path)
        if excludes(input, isTree: isTree) {
          passedOver.excluded += 1
          continue
        }
        guard isTree else {
          try input.requireNoSlash()
          return step(path)
        }
        try enter(input)
      } catch {
        mirrors?.isComplete = false
        return .failure(path, error)
      }
    }
  }

  /// Begins the walk over a tree. The directory that collects the outputs is not an input.
  private mutating func enter(_ input: NamedInput) throws {
    let path = input.path
    var excluded: [FileStatus] = []
    var output: OutputDirectory?
    treeOutput = collector
    treeName = ""
    outputParent = nil
    treeCount = 0
    if let collector {
      treeName = input.nameOfTree
      let directory = collector.status()
      let own = try FileStatus.at(path)
      func leaveAlone(_ name: FilePath) throws {
        let status = try FileStatus.at(collector.path.pushing(name), followingLinks: false)
        guard let status, status.kind == .directory else { return }
        if let own, status.isSameFile(as: own) { return }
        excluded.append(status)
      }
      if let own, let directory, directory.isSameFile(as: own) {
        // The outputs of other trees in this directory are not inputs either.
        let trees = try allPaths.filter { try isDirectory($0.path) }
        for name in Set(trees.map(\.nameOfTree)) where !name.isEmpty { try leaveAlone(name) }
        if treeName.isEmpty { treeOutput = nil }
      } else {
        output = collector
        try leaveAlone(treeName)
        let place = collector.path.pushing(treeName)
        if let own, let there = try FileStatus.at(place, followingLinks: false),
          there.isSameFile(as: own)
        {
          treeOutput = nil
        }
      }
    }
    if mirrors != nil { try MirroredTrees.requireApart(path, from: treeOutput, treeName) }
    root = path
    // If outputs are written into the tree, they must be in the place that the user meant.
    tree = try FileTree(
      path, excluding: excluded, filter: filter(for: input, isTree: true),
      isWritten: treeOutput == nil && naming != .none)
    tree?.collector = output
  }

  /// Returns the next entry of the tree that this command processes.
  private mutating func nextInTree() -> Step? {
    while let entry = tree?.next() {
      switch entry {
      case .failure(let error):
        treeCount += 1
        if !error.isOfMissingInput { mirrors?.isComplete = false }
        return error.isOfMissingInput ? .vanished(error.path) : .failure(error.path, error)
      case .directory(let relative, let found):
        if relative.isEmpty, let treeOutput {
          mirrors?.add(
            root, found.descriptor, output: treeOutput, name: treeName, filter: tree?.filter)
        }
        if let job = entryJob(relative, .directory(found)) { return .entry(job) }
      case .symbolicLink(let found):
        if let step = step(toLink: found) { return step }
      case .specialFile(let relative):
        passedOver.addSpecialFile(root.pushing(relative), isLeftOut: treeOutput != nil)
      case .file(let found):
        if passesOver(found) { continue }
        treeCount += 1
        return step(toFile: found)
      }
    }
    if treeCount == 0 { mirrors?.dropLast(root) }
    if let tree { passedOver.add(tree) }
    return nil
  }

  /// Returns the job of a directory or link. Returns nil if outputs go beside the inputs: the entry
  /// exists there already.
  private func entryJob(_ relative: FilePath, _ entry: EntryJob.Entry) -> EntryJob? {
    treeOutput.map {
      EntryJob(
        input: root.pushing(relative), entry: entry, directory: $0,
        relative: treeName.pushing(relative))
    }
  }

  /// Returns the job of a symbolic link, or a failure if a file of the tree has an output of the
  /// same name; nil if the link is not copied. A link keeps its name.
  private mutating func step(toLink found: FoundFile) -> Step? {
    let relative = found.relative
    guard let job = entryJob(relative, .symbolicLink(found)) else {
      passedOver.symbolicLinks += 1
      return nil
    }
    if found.isUnfinished {
      passedOver.unfinishedFiles += 1
      return nil
    }
    let rival =
      naming == .encrypt
      ? suffix.removed(from: relative) : Naming.encrypt.output(for: relative, suffix)
    if let rival, tree?.filter?.excludes(rival, isDirectory: false) != true,
      let name = rival.lastName, (try? found.sibling(name).status())?.kind == .regular
    {
      return .failure(job.input, Failure.written(job.output, by: root.pushing(rival)))
    }
    return .entry(job)
  }

  /// True if this command does not process the file of a tree. Counts such a file.
  private mutating func passesOver(_ found: FoundFile) -> Bool {
    guard naming == .encrypt else {
      if suffix.ends(found.place.name) { return false }
      passedOver.otherFiles += 1
      return true
    }
    if found.isUnfinished {
      passedOver.unfinishedFiles += 1
      return true
    }
    // If outputs go beside the inputs, messages are outputs of earlier runs. Otherwise a message is
    // encrypted like any other file.
    guard treeOutput == nil, let source = suffix.removed(from: found.place.name),
      isMessage(found)
    else { return false }
    passedOver.addMessage(
      found.place.path, hasSource: (try? found.sibling(source).status())?.kind == .regular)
    return true
  }

  /// Returns the failure of a tree without files for this command. An empty tree is not a failure
  /// of `encrypt`; it only gets a warning.
  private mutating func endOfTree() -> Step? {
    guard treeCount == 0 else { return nil }
    guard naming != .encrypt else {
      passedOver.addEmptyTree(root)
      return nil
    }
    return .failure(root, nothing("in \(Text.printable(root))").withFile(root))
  }

  /// Returns the job of an input that the user named.
  private func step(_ input: FilePath) -> Step {
    do {
      let place = try place(for: input)
      let output = try place?.path ?? output(for: input)
      return .job(
        FileJob(
          input: input, output: output, replacesInput: naming == .replace && output != nil,
          place: place))
    } catch {
      return .failure(input, error)
    }
  }

  /// Returns the job of a file of a tree.
  private mutating func step(toFile found: FoundFile) -> Step {
    do {
      if let place = try place(for: found) {
        return .job(FileJob(found, output: nil, replacesInput: false, place: place))
      }
      let output = try output(for: found.place.path)
      return .job(
        FileJob(
          found, output: output, replacesInput: naming == .replace && output != nil, place: nil))
    } catch {
      return .failure(found.place.path, error)
    }
  }

  /// Returns the total size in bytes of all inputs whose size is known.
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

  private func isDirectory(_ path: FilePath) throws -> Bool {
    try FileStatus.at(path)?.kind == .directory
  }

  /// Returns the place of the output of a file of a tree; nil if it has none of its own.
  private mutating func place(for found: FoundFile) throws -> OutputPlace? {
    if output == "-" || naming == .none || naming == .replace { return nil }
    let name = try name(for: found.place.name)
    guard let treeOutput else { return .beside(found.sibling(name)) }
    if outputParent?.source != found.parent {
      outputParent = (found.parent, treeName.pushing(found.parent))
    }
    return .below(treeOutput, parent: outputParent!.output, name: name)
  }

  /// Returns the place of an output that is collected in a directory; nil for other outputs.
  private func place(for input: FilePath) throws -> OutputPlace? {
    guard let collector, naming != .none, output != "-" else { return nil }
    if input.namesDescriptor {
      let name = input == "-" ? "standard input" : Text.printable(input)
      throw Failure(
        .usage, "\(name) has no name of its own, so its output cannot go into a directory",
        hint: "name the output with -o FILE")
    }
    guard let name = try name(for: input).lastComponent else { return nil }
    return .below(collector, parent: "", name: FilePath().appending(name))
  }

  /// Returns the output of an input that is not collected; nil for standard output or no output.
  private func output(for input: FilePath) throws -> FilePath? {
    if naming == .none || output == "-" || output == nil && input.namesDescriptor { return nil }
    return try output ?? nameBeside(input)
  }

  /// True if the file begins like a message. A second `encrypt -R` over the same tree leaves
  /// messages alone for this reason.
  private func isMessage(_ found: FoundFile) -> Bool {
    // Closing a descriptor of the keystore's file would release SQLite's locks on it.
    guard !keystoreFiles.isStore(found.status),
      let descriptor = try? Descriptor.openInput(found.place, foundAs: found.status)
    else { return false }
    return (try? MessageInspector.inspect(descriptor, limits: .anyNumberOfKeys)) != nil
  }
}
