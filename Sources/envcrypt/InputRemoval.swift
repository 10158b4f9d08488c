import Envelope
import Glibc
import KMSKeystore
import Synchronization
import SystemPackage

/// Carries out `--rm`: removes inputs whose outputs are on the disk.
///
/// Before that, an output is read again and verified: the message, decrypted again, must be the
/// plaintext, byte for byte. The input must still be what was read. Both are found in the directories
/// that the run has opened.
final class InputRemoval: Sendable {
  /// Decrypts a message.
  typealias Verification =
    @Sendable (_ message: any ByteSource, _ sink: any ByteSink) throws ->
    MessageSummary

  private struct State {
    /// Inputs that can be removed now. Those in a group are names of one file.
    var ready: [[RemovalCandidate]] = []
    /// Inputs that wait for the end of the run.
    var waiting: [RemovalCandidate] = []
    /// The first removed input whose file has other names, and the number of all.
    var linked: (first: FilePath, count: Int)?
  }

  /// True if messages are the outputs, false if they are the inputs.
  private let makesMessages: Bool
  /// True if outputs keep the extended attributes of their inputs.
  private let keepsExtended: Bool
  private let verification: Verification
  private let keystoreFiles: KeystoreFiles
  /// The files without which the run's messages cannot be decrypted.
  private let keys: [FileStatus]
  private let state = Mutex(State())
  /// The file systems that are wholly on the disk, as they were before this run.
  private let synchronized = Mutex<Set<UInt64>>([])

  /// `keys` are the files that hold keys or passphrases of this run.
  init(
    of naming: FilePlan.Naming, keeping attributes: AttributeOptions,
    keystoreFiles: KeystoreFiles, keys: [FilePath], verification: @escaping Verification
  ) {
    makesMessages = naming == .encrypt
    keepsExtended = attributes.xattrs
    self.keystoreFiles = keystoreFiles
    self.keys = keys.compactMap { try? FileStatus.at($0) }
    self.verification = verification
  }

  // MARK: Before the work

  /// Throws unless the input may be removed when its output is complete.
  func check(_ place: FilePlace, _ status: FileStatus, isInTree: Bool) throws {
    switch status.kind {
    case .directory: throw FileRuleError.isDirectory(place.path)
    case .symbolicLink: throw RemovalError.symbolicLink(place.path)
    case .other: throw RemovalError.notARegularFile(place.path)
    case .regular: break
    }
    guard isInTree || status.linkCount == 1 else {
      throw RemovalError.severalNames(place.path, count: status.linkCount)
    }
    do {
      try keystoreFiles.check(place, existing: status)
    } catch FileRuleError.reserved {
      throw RemovalError.keystore(place.path)
    }
    if keys.contains(where: { $0.isSameFile(as: status) }) { throw RemovalError.key(place.path) }
  }

  /// Throws if the output would not have everything that the opened input has.
  func check(_ input: Descriptor) throws {
    if !keepsExtended, ExtendedAttributes.areOn(input) {
      throw RemovalError.attributes(input.path)
    }
  }

  // MARK: During the run

  /// Adds an input whose output is on the disk. With `later`, it waits for the end of the run.
  func add(_ candidate: RemovalCandidate, later: Bool) {
    state.withLock { state in
      if later { state.waiting.append(candidate) } else { state.ready.append([candidate]) }
    }
  }

  /// Makes all inputs ready, when nothing is left to do for outputs. If directories of outputs are
  /// not on the disk, the inputs stay.
  func endWaiting(areOnDisk: Bool) {
    guard areOnDisk else {
      let all = state.withLock { state in
        defer { (state.ready, state.waiting) = ([], []) }
        return state.ready.flatMap { $0 } + state.waiting
      }
      return Self.keep(all, RemovalError.notOnDisk)
    }
    state.withLock { state in
      var groups: [[UInt64]: [RemovalCandidate]] = [:]
      var order: [[UInt64]] = []
      for candidate in state.waiting {
        let key = [candidate.inputStatus.device, candidate.inputStatus.inode]
        if groups[key] == nil { order.append(key) }
        groups[key, default: []].append(candidate)
      }
      state.ready += order.compactMap { groups[$0] }
      state.waiting = []
    }
  }

  /// Takes out inputs that are ready: names of one file. Nil if there are none.
  func next() -> [RemovalCandidate]? { state.withLock { $0.ready.popLast() } }

  /// The first removed input whose file still has other names, and the number of such inputs.
  var linked: (first: FilePath, count: Int)? { state.withLock { $0.linked } }

  /// Verifies the outputs of these names of one file, and removes the names. Reports the outcomes.
  /// `progress` receives the number of compared bytes.
  func remove(_ names: [RemovalCandidate], progress: @escaping ProgressHandler) {
    var kept: [(RemovalCandidate, any Error)] = []
    var verified: [Verified] = []
    do {
      guard let first = names.first else { return }
      let file = try open(first)
      let status = try settledStatus(of: file)
      for name in names {
        do {
          guard status.isUnchanged(since: name.inputStatus) else { throw RemovalError.changed }
          verified.append(try verify(name, of: file, after: verified, progress))
        } catch {
          kept.append((name, error))
        }
      }
      try requireUnchanged(file, since: status)
      for name in verified {
        do {
          try remove(name, found: status)
          name.candidate.report(.success(.removed(name.candidate.outcome)))
        } catch {
          kept.append((name.candidate, error))
        }
      }
      if kept.isEmpty { noteOtherNames(of: file, first.input, names.count) }
    } catch {
      kept = names.map { ($0, error) }
    }
    for (name, reason) in kept { Self.keep([name], reason) }
  }

  private static func keep(_ names: [RemovalCandidate], _ reason: any Error) {
    for name in names {
      name.report(.failure(InputKeptError(input: name.input, reason: reason)))
    }
  }

  /// Opens the input. Throws `RemovalError.changed` if another file or none has its name.
  private func open(_ candidate: RemovalCandidate) throws -> Descriptor {
    do {
      return try Descriptor.openInput(
        try candidate.places().input, foundAs: candidate.inputStatus)
    } catch FileRuleError.changed {
      throw RemovalError.changed
    } catch let error as IOError where error.isOfMissingInput {
      throw RemovalError.changed
    }
  }

  /// Returns the status of a file when its next change will show in the status.
  private func settledStatus(of file: Descriptor) throws -> FileStatus {
    let status = try file.status()
    let wait = max(status.settlingTime, status.changeSettlingTime)
    if wait == 0 { return status }
    usleep(wait)
    return try file.status()
  }

  // MARK: Verification

  private struct Verified {
    let candidate: RemovalCandidate
    /// The output as it was verified. The directories are opened again for the removal: there may be
    /// many names.
    let status: FileStatus
  }

  /// Verifies the output of an input, which is open as `file`. An output that is among those
  /// verified before under another name is not read again.
  private func verify(
    _ candidate: RemovalCandidate, of file: Descriptor, after others: [Verified],
    _ progress: @escaping ProgressHandler
  ) throws -> Verified {
    let (input, place) = try candidate.places()
    guard let (output, found) = try place.openExisting(),
      found.isSameFile(as: candidate.outputStatus)
    else { throw RemovalError.outputReplaced(place.path) }
    if candidate.isOfEarlierRun { try synchronize(output, at: place, on: found.device) }
    let status = try settledStatus(of: output)
    let verified = Verified(candidate: candidate, status: status)
    if keepsExtended, !ExtendedAttributes.allAreKept(of: file, on: output) {
      throw RemovalError.attributesLost(output: place.path)
    }
    if others.contains(where: { status.isUnchanged(since: $0.status) }) { return verified }
    output.readAgain()
    do {
      try compare(
        message: makesMessages
          ? output : try Descriptor.openInput(input, foundAs: candidate.inputStatus),
        with: makesMessages ? file : output, progress)
    } catch is DifferentBytesError {
      guard try file.status().isUnchanged(since: candidate.inputStatus) else {
        throw RemovalError.changed
      }
      throw RemovalError.differs(output: place.path)
    }
    return verified
  }

  /// Brings an output of an earlier run to the disk.
  private func synchronize(_ output: Descriptor, at place: FilePlace, on device: UInt64) throws {
    try synchronized.withLock { devices in
      guard !devices.contains(device) else { return }
      try output.synchronizeFileSystem()
      devices.insert(device)
    }
    try place.synchronize(output)
  }

  /// Throws `DifferentBytesError` unless the plaintext of the message is this one.
  private func compare(
    message: Descriptor, with plaintext: Descriptor, _ progress: @escaping ProgressHandler
  ) throws {
    let sink = ComparingSink(with: plaintext, progress: progress)
    let summary: MessageSummary
    do {
      summary = try verification(DescriptorSource(message), sink)
    } catch let error as DifferentBytesError {
      throw error
    } catch {
      throw Failure(error).about(Text.printable(message.path))
    }
    try sink.requireEnd(at: summary.plaintextCount)
  }

  // MARK: Removing

  /// Throws if the input is not what it was, or may change at any moment.
  private func requireUnchanged(_ file: Descriptor, since status: FileStatus) throws {
    if QuietLease.take(file) == .isOpenForWriting { throw RemovalError.isOpenForWriting }
    guard try file.status().isUnchanged(since: status) else { throw RemovalError.changed }
  }

  /// Removes a name of the input that was found with this status.
  private func remove(_ name: Verified, found: FileStatus) throws {
    let (input, place) = try name.candidate.places()
    guard let output = try place.status(), output.isUnchanged(since: name.status) else {
      throw RemovalError.outputReplaced(place.path)
    }
    guard let now = try input.status(), now.kind == .regular, now.isSameFile(as: found) else {
      throw RemovalError.changed
    }
    try input.remove()
  }

  private func noteOtherNames(of file: Descriptor, _ input: FilePath, _ count: Int) {
    guard let rest = try? file.status().linkCount, rest > 0 else { return }
    state.withLock { state in
      state.linked = (state.linked?.first ?? input, (state.linked?.count ?? 0) + count)
    }
  }
}
