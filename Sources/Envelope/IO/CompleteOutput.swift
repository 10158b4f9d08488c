import Glibc
import SystemPackage

/// A complete output of this run or of an earlier one, which can get further names (hard links).
package struct CompleteOutput: Sendable {
  /// The directory that the path is relative to.
  private let root: Descriptor
  private let relative: FilePath
  private let status: FileStatus

  /// The output with the name `name` in the directory `parent` below a directory; nil without a
  /// status.
  package init?(
    _ status: FileStatus?, named name: FilePath, in parent: FilePath,
    below directory: OutputDirectory
  ) {
    guard let status, let root = try? directory.rootDirectory() else { return nil }
    (self.root, relative, self.status) = (root, parent.pushing(name), status)
  }

  /// The output with the name `name` beside its input; nil without a status.
  package init?(_ status: FileStatus?, named name: FilePath, beside found: FoundFile) {
    guard let status else { return nil }
    (root, relative, self.status) = (found.root, found.parent.pushing(name), status)
  }

  /// True if the output is the file with this status.
  package func isFile(_ other: FileStatus) -> Bool { status.isSameFile(as: other) }

  /// Gives the output another name. An existing file is replaced only if `replacing`. Returns false
  /// if the output cannot have that name, because the file system does not allow it or the output
  /// is no longer what it was.
  ///
  /// Throws `FileRuleError.exists`, other cases of it for what is never replaced, and `IOError`.
  package func addName(
    _ place: FilePlace, replacing: Bool, recording made: MadeDirectories,
    reserved: (any ReservedFiles)?, leftovers: Leftovers
  ) throws -> Bool {
    guard
      try addName(place, replacing: replacing, reserved: reserved, leftovers: leftovers)
    else { return false }
    made.noteName(in: place.directory)
    return true
  }

  private func addName(
    _ place: FilePlace, replacing: Bool, reserved: (any ReservedFiles)?, leftovers: Leftovers
  ) throws -> Bool {
    guard let output = open() else { return false }
    if HiddenFile.isUnfinished(place.name) { throw FileRuleError.unfinishedName(place.path) }
    let existing = try place.status()
    try reserved?.check(place, existing: existing)
    switch existing?.kind {
    case nil:
      let reason = output.link(to: place.name, in: place.directory)
      if reason == .fileExists { throw FileRuleError.exists(place.path) }
      return reason == nil
    case .directory: throw FileRuleError.outputIsDirectory(place.path)
    case .symbolicLink: throw FileRuleError.symbolicLink(place.path)
    case .other: throw FileRuleError.notARegularFile(place.path)
    case .regular:
      guard replacing else { throw FileRuleError.exists(place.path) }
      if existing!.isSameFile(as: status) { return true }
      leftovers.sweep(place.directory)
      return try place.replace(leftovers) { output.link(to: $0, in: place.directory) } == nil
    }
  }

  /// Opens the output; nil if it is no longer there or has changed.
  private func open() -> Descriptor? {
    guard let name = relative.lastName,
      let directory = try? root.directory(
        below: relative.directory, flags: Descriptor.pathOnly)
    else { return nil }
    let number = Descriptor.retrying {
      name.withPlatformString {
        openat(directory.number, $0, Descriptor.pathOnly | O_NOFOLLOW | O_CLOEXEC)
      }
    }
    guard number >= 0 else { return nil }
    let output = Descriptor(owning: number, path: directory.path)
    guard let now = try? output.status(), now.hasSameContents(as: status) else { return nil }
    return output
  }
}

extension FilePlace {
  /// Replaces the file at this place, atomically, by the one that `make` makes under a hidden name.
  /// Returns the error of `make`. Throws `IOError`, and `FileRuleError.outputIsDirectory`.
  func replace(_ leftovers: Leftovers, by make: (FilePath) -> Errno?) throws -> Errno? {
    var attempts = 8
    while true {
      let hidden = try HiddenFile.name(.output)
      leftovers.add(hidden, in: directory)
      if let reason = make(hidden) {
        leftovers.forget(hidden, in: directory)
        return reason
      }
      let result = hidden.withPlatformString { from in
        name.withPlatformString { renameat(directory.number, from, directory.number, $0) }
      }
      if result == 0 {
        leftovers.forget(hidden, in: directory)
        return nil
      }
      let reason = Errno.current
      leftovers.remove(hidden, in: directory)
      attempts -= 1
      // Another process may have taken the hidden file for a leftover: it is not locked.
      guard reason == .noSuchFileOrDirectory, attempts > 0 else {
        throw reason == .isDirectory
          ? FileRuleError.outputIsDirectory(path) : IOError(.createOutput, path, reason)
      }
    }
  }
}

extension FileStatus {
  /// True if both are the same regular file, and its size and modification time are the same. Other
  /// names of it may have come or gone.
  package func hasSameContents(as other: FileStatus) -> Bool {
    kind == .regular && isSameFile(as: other) && size == other.size
      && modificationTime.tv_sec == other.modificationTime.tv_sec
      && modificationTime.tv_nsec == other.modificationTime.tv_nsec
  }
}
