import Envelope
import KMSKeystore
import SystemPackage

/// Opens the inputs of jobs.
struct InputFiles {
  let naming: FilePlan.Naming
  let keystoreFiles: KeystoreFiles
  let console: Console
  /// Not nil if inputs are removed at the end.
  let removal: InputRemoval?

  /// Opens the input; nil if a walk over a tree has found it and it no longer exists. An input that
  /// may be replaced or removed is returned with its place.
  func open(_ job: FileJob) throws -> (Descriptor, FilePlace?)? {
    if let found = job.found {
      do {
        try removal?.check(found.place, found.status, isInTree: true)
        let input = try Descriptor.openInput(found.place, foundAs: found.status)
        try removal?.check(input)
        holdLocks(of: input, found.status)
        return (input, found.place)
      } catch let error as IOError where error.isOfMissingInput {
        return nil
      }
    }
    if let removal { return try openRemoved(job.input, removal) }
    if job.input == "-" { return (.standardInput, nil) }
    if job.replacesInput { return try openReplaced(job.input) }
    let input = try Descriptor.openInput(job.input)
    holdLocks(of: input, try input.status())
    return (input, nil)
  }

  /// Opens a file that will be removed, in its directory. Does not follow a link.
  private func openRemoved(
    _ path: FilePath, _ removal: InputRemoval
  ) throws -> (Descriptor, FilePlace?) {
    if path.namesDescriptor { throw RemovalError.standardInput }
    guard let there = try FileStatus.at(path, followingLinks: false) else {
      throw IOError(.openInput, path, .noSuchFileOrDirectory)
    }
    if there.kind == .directory { throw FileRuleError.isDirectory(path) }
    let place = try FilePlace.named(path)
    guard let found = try place.status() else {
      throw IOError(.openInput, path, .noSuchFileOrDirectory)
    }
    try removal.check(place, found, isInTree: false)
    let input = try Descriptor.openInput(place, foundAs: found)
    try removal.check(input)
    return (input, place)
  }

  /// Opens a file that will be replaced, in its directory.
  private func openReplaced(_ path: FilePath) throws -> (Descriptor, FilePlace?) {
    guard try FileStatus.at(path) != nil else {
      throw IOError(.openInput, path, .noSuchFileOrDirectory)
    }
    let (place, existing) = try FilePlace.following(path)
    switch existing?.kind {
    case nil: throw IOError(.openInput, path, .noSuchFileOrDirectory)
    case .directory: throw FileRuleError.isDirectory(path)
    case .symbolicLink, .other: throw FileRuleError.notARegularFile(path)
    case .regular: break
    }
    let input = try Descriptor.openInput(place, foundAs: existing!)
    holdLocks(of: input, existing!)
    return (input, place)
  }

  /// Keeps the keystore's file open: closing it would release SQLite's locks on it.
  private func holdLocks(of input: Descriptor, _ status: FileStatus) {
    guard keystoreFiles.isStore(status) else { return }
    input.keepOpen()
    if naming == .encrypt {
      console.note(
        "\(Text.printable(input.path)) is the keystore in use: only a key that is kept elsewhere "
          + "opens this copy; to make a backup, use 'envcrypt keystore backup'")
    }
  }
}
