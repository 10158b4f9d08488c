import Glibc
import SystemPackage

extension OutputDirectory {
  /// Removes the entry `relative` if it is still the one that was found: a file or a link, or a
  /// directory that is empty. Returns false if it is another one, is gone or is not empty.
  ///
  /// Throws `FileRuleError` for a reserved file, and `IOError`.
  package func remove(_ relative: FilePath, foundAs found: FileStatus) throws -> Bool {
    let isDirectory = found.kind == .directory
    guard let name = relative.lastName,
      let place = try existingPlace(name, in: relative.directory), let now = try place.status(),
      isDirectory ? now.isSameFile(as: found) : now.isUnchanged(since: found)
    else { return false }
    try reserved?.check(place, existing: now)
    if let reason = try unlink(place, isDirectory, in: relative.directory) {
      let isOther =
        isDirectory
        ? [.directoryNotEmpty, .fileExists, .noSuchFileOrDirectory, .notDirectory].contains(reason)
        : reason == .noSuchFileOrDirectory
      if isOther { return false }
      throw IOError(.remove, place.path, reason)
    }
    if isDirectory { made.forget(found) }
    made.noteName(in: place.directory)
    return true
  }

  /// Removes a name from the directory `parent`, which is made writable for that if its owner is this
  /// user. Returns the reason if that is not possible.
  private func unlink(
    _ place: FilePlace, _ isDirectory: Bool, in parent: FilePath
  ) throws -> Errno? {
    for isLast in [false, true] {
      let result = place.name.withPlatformString {
        unlinkat(place.directory.number, $0, isDirectory ? AT_REMOVEDIR : 0)
      }
      if result == 0 { return nil }
      let reason = Errno.current
      guard reason == .permissionDenied, !isLast else { return reason }
      try made.makeAccessible(place.directory, relative: parent, below: rootDirectory())
    }
    return nil
  }
}

extension FilePlace {
  /// The place that `path` names. Does not follow a link that is there; on the way to it, follows
  /// links unless another user may have made them.
  ///
  /// Throws `FileRuleError.noDirectory`, `notADirectory`, `isDirectory`, `foreignLink`, `IOError`.
  package static func named(_ path: FilePath) throws -> FilePlace {
    try looking(up: path, from: AT_FDCWD, as: path)
  }

  /// Removes the file of this name. The caller has checked which one it is.
  package func remove() throws(IOError) {
    let result = name.withPlatformString { unlinkat(directory.number, $0, 0) }
    guard result == 0 else { throw .current(.remove, path) }
  }
}
