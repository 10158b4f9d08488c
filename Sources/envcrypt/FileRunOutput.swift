import Envelope
import Glibc
import SystemPackage

/// The outputs of a run.
extension FileRun {
  /// Creates the output in the place of its input, in the place that the job names, or in the place
  /// that `named` gives.
  func makeOutput(
    for job: FileJob, from status: FileStatus, replacing replaced: FilePlace?,
    outdated: FileStatus?, _ named: (place: FilePlace, existing: FileStatus?)?
  ) throws -> OutputFile {
    if job.replacesInput, let replaced {
      return try OutputFile(
        inPlaceOf: replaced, status, reserved: keystoreFiles, leftovers: leftovers)
    }
    let source = status.kind == .regular ? status : nil
    let permissions = permissions(from: source)
    let (place, existing) = try place(of: job, named)
    // Another file may have taken the place of the message.
    let isOutdated = outdated.flatMap { existing?.isUnchanged(since: $0) } ?? false
    return try OutputFile(
      at: place, existing, replacing: replaces || isOutdated, permissions: permissions,
      source: source, reserved: keystoreFiles, leftovers: leftovers)
  }

  private func place(
    of job: FileJob, _ named: (place: FilePlace, existing: FileStatus?)?
  ) throws -> (FilePlace, existing: FileStatus?) {
    let place: FilePlace
    switch job.place {
    case .below(let directory, let parent, let name):
      place = try directory.place(
        name, in: parent, permissions: job.found?.directoryPermissions ?? [])
    case .beside(let beside): place = beside
    case nil:
      guard let named else { preconditionFailure("an output without a place") }
      return named
    }
    return (place, try place.status())
  }

  /// Returns the mode of an output; nil for the mode of the input. In a tree, files keep their
  /// mode, as with cp -a. Otherwise the umask applies, as with cp.
  private func permissions(from source: FileStatus?) -> mode_t? {
    guard let source else { return 0o666 & ~mask }
    return keepsAttributes ? nil : source.permissions & ~mask
  }

  /// Reserves the name of an output for one job.
  func claim(_ path: FilePath) throws {
    try state.withLock { state in
      guard state.written.insert(path.lexicallyNormalized()).inserted else {
        throw Failure(
          .cannotCreate, "\(Text.printable(path)) was already written in this run",
          hint: "two inputs have the same name; use different output directories"
        ).withFile(path)
      }
    }
  }

  /// Releases the name of an output that was not created: another job may use it.
  func giveUp(_ path: FilePath) {
    state.withLock { _ = $0.written.remove(path.lexicallyNormalized()) }
  }

  /// Lets the output keep the attributes of its input. Of an input that has changed while it was
  /// read, or may change again without another time, the output does not get the time: then the
  /// next run with `--update` makes it again.
  func keepAttributes(
    of input: Descriptor, _ status: FileStatus, on output: OutputFile, _ isSettled: Bool,
    _ outcome: JobOutcome
  ) {
    var isTimely = isSettled
    if case .doneOfChanging = outcome { isTimely = false }
    if keepsAttributes || keepsExtended {
      let attributes = FileAttributes(status)
      output.keep(
        keepsAttributes ? isTimely ? attributes : attributes.withoutTimes : nil,
        keepsExtended ? ExtendedAttributes(of: input, noting: lost) : nil, noting: lost)
    }
    if isTimely, keepsTimes { output.keepTimes(of: status) }
  }

  /// True if the input of `encrypt` was written to while it was read. Does not apply to the audit
  /// log, which this run may write to, or to other commands: they verify the message, so it is the
  /// right one.
  func isChanged(_ input: Descriptor, since status: FileStatus) throws -> Bool {
    guard naming == .encrypt, status.kind == .regular else { return false }
    if keystoreFiles.isStoreBeingWritten(status) { return true }
    return try !input.status().isUnchanged(since: status) && !keystoreFiles.isLog(status)
  }

  /// Writes to standard output or a special file: a pipe, a terminal or a device. They cannot be
  /// replaced by renaming.
  func write(
    to descriptor: Descriptor, from input: FileStatus,
    _ transfer: (any ByteSink) throws -> MessageSummary
  ) throws -> MessageSummary {
    let status = try descriptor.status()
    if status.kind == .regular, input.kind == .regular, status.isSameFile(as: input) {
      throw FileRuleError.sameFile("standard input and output")
    }
    if status.kind == .regular { try keystoreFiles.check(status, named: "standard output") }
    let sink = DescriptorSink(descriptor)
    guard descriptor.isTerminal else {
      let summary = try transfer(sink)
      try sink.finish()
      return summary
    }
    switch rule {
    case .everything: return try transfer(sink)
    case .nothing: throw Self.binaryToTerminal
    case .text:
      let text = TerminalSink(sink)
      let summary = try transfer(text)
      try text.finish()
      return summary
    }
  }
}
