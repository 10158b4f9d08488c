import Envelope
import Glibc
import SystemPackage

/// The check before a passphrase is asked for: nobody should type one for a run that cannot work.
extension FilePlan {
  /// Throws the failure of the first job if no job has an input that can be opened and an output
  /// that can be made. Opens nothing. What changes before the job begins is noticed then.
  func requireUsableJob(replacing replaces: Bool, toTerminal rule: FileRun.TerminalRule) throws {
    var plan = self
    var first: Failure?
    while let step = plan.next() {
      switch step {
      case .vanished, .entry: continue
      case .failure(let input, let error): first = first ?? Failure(error, of: input)
      case .job(let job):
        do {
          try job.requireUsable(replacing: replaces, toTerminal: rule, naming)
          return
        } catch {
          let failure = Failure(error, of: job.input)
          first = first ?? (failure.names(job.input) ? failure : failure.about(of: job.input))
        }
      }
    }
    if let first { throw first }
  }
}

extension FileJob {
  /// Throws if the job has no input that can be opened, or no output that can be made.
  func requireUsable(
    replacing replaces: Bool, toTerminal rule: FileRun.TerminalRule, _ naming: FilePlan.Naming
  ) throws {
    if input != "-", found == nil {
      guard let status = try FileStatus.at(input) else {
        throw IOError(.openInput, input, .noSuchFileOrDirectory)
      }
      if status.kind == .directory { throw FileRuleError.isDirectory(input) }
      try Self.require(R_OK, input, or: .openInput)
    }
    guard let output else {
      let isTerminal = naming != .none && Descriptor.standardOutput.isTerminal
      if isTerminal, case .nothing = rule { throw FileRun.binaryToTerminal }
      return
    }
    guard !replacesInput, output != "/dev/stdout" else { return }
    if let status = try FileStatus.at(output, for: .createOutput) {
      if status.kind == .directory { throw FileRuleError.outputIsDirectory(output) }
      if status.kind == .regular, !replaces { throw FileRuleError.exists(output) }
    } else if place == nil {
      let parent = output.removingLastComponent()
      let directory: FilePath = parent.isEmpty ? "." : parent
      guard try FileStatus.at(directory, for: .createOutput) != nil else {
        throw FileRuleError.noDirectory(directory)
      }
      try Self.require(W_OK, directory, or: .createOutput)
    }
  }

  private static func require(
    _ access: Int32, _ path: FilePath, or operation: IOError.Operation
  ) throws {
    let status = path.withPlatformString { faccessat(AT_FDCWD, $0, access, AT_EACCESS) }
    if status != 0 { throw IOError(operation, path, Errno(rawValue: errno)) }
  }
}
