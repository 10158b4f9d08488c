import Glibc
import SystemPackage

/// A symbolic link of a tree, which is copied as it is: nobody follows it.
package struct SymbolicLink: Sendable {
  /// The bytes of the target, with a NUL at the end. A `FilePath` would change some.
  private let target: [CChar]
  private let attributes: FileAttributes

  /// Reads the link that a walk found. Throws `FileRuleError.changed` if another file has taken its
  /// place, and `IOError`.
  package init(_ found: FoundFile) throws {
    attributes = FileAttributes(found.status)
    guard let target = try Self.target(of: found.place) else {
      throw FileRuleError.changed(found.place.path)
    }
    self.target = target
  }

  /// The target of the link at a place; nil if that is not a link.
  private static func target(of place: FilePlace) throws(IOError) -> [CChar]? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = place.name.withPlatformString {
      readlinkat(place.directory.number, $0, &target, Int(PATH_MAX))
    }
    if count < 0 {
      let reason = Errno.current
      if reason == .invalidArgument { return nil }
      throw IOError(.openInput, place.path, reason)
    }
    guard count < PATH_MAX else { throw IOError(.openInput, place.path, .fileNameTooLong) }
    return Array(target[...count])
  }

  /// Makes the link at a place. A link with the same target that is there already is enough.
  /// Another link or a regular file is replaced if `replacing`.
  ///
  /// Throws `FileRuleError.exists`, other cases of it for what is never replaced, and `IOError`.
  func make(
    at place: FilePlace, replacing: Bool, reserved: (any ReservedFiles)?, leftovers: Leftovers,
    noting lost: LostAttributes
  ) throws {
    if HiddenFile.isUnfinished(place.name) { throw FileRuleError.unfinishedName(place.path) }
    let existing = try place.status()
    try reserved?.check(place, existing: existing)
    switch existing?.kind {
    case nil:
      let reason = make(place.name, in: place.directory)
      if reason == .fileExists { throw FileRuleError.exists(place.path) }
      if let reason { throw IOError(.createOutput, place.path, reason) }
    case .symbolicLink? where try Self.target(of: place) == target: break
    case .directory: throw FileRuleError.outputIsDirectory(place.path)
    case .other: throw FileRuleError.notARegularFile(place.path)
    case .regular, .symbolicLink:
      guard replacing else { throw FileRuleError.exists(place.path) }
      leftovers.sweep(place.directory)
      let reason = try place.replace(leftovers) { make($0, in: place.directory) }
      if let reason { throw IOError(.createOutput, place.path, reason) }
    }
    attributes.apply(toLinkAt: place, noting: lost)
  }

  /// Makes a link with this name; returns the error.
  private func make(_ name: FilePath, in directory: Descriptor) -> Errno? {
    let result = name.withPlatformString { symlinkat(target, directory.number, $0) }
    return result == 0 ? nil : .current
  }
}

extension IOError {
  /// True if the file system does not have symbolic links.
  fileprivate var isOfMissingLinks: Bool {
    operation == .createOutput
      && [.notPermitted, .notSupported, .notSupportedOnSocket, .noFunction].contains(errno)
  }
}

extension OutputDirectory {
  /// Makes a symbolic link `relative` below this directory, with the attributes of the link that
  /// was found. Missing directories on the way are made. Returns false if the file system does not
  /// have links, and notes that in `lost`.
  package func make(
    _ link: FoundFile, at relative: FilePath, replacing: Bool, leftovers: Leftovers,
    noting lost: LostAttributes
  ) throws -> Bool {
    let symbolicLink = try SymbolicLink(link)
    let place = try place(relative, permissions: link.directoryPermissions)
    do {
      try symbolicLink.make(
        at: place, replacing: replacing, reserved: reserved, leftovers: leftovers, noting: lost)
      if link.status.linkCount > 1 { lost.note(.hardLink, place.path) }
    } catch let error as IOError where error.isOfMissingLinks {
      lost.note(.symbolicLink, place.path)
      return false
    }
    made.noteName(in: place.directory)
    return true
  }

  /// Makes the directory `relative` below this one if it is missing, and gives it the attributes
  /// of the directory that was found, when the run is finished. If `keepingExtended`, also its
  /// extended attributes and ACLs.
  package func make(
    _ found: FoundDirectory, at relative: FilePath, keepingExtended: Bool = false,
    noting lost: LostAttributes
  ) throws {
    let directory = try directory(relative, permissions: found.permissions)
    var extended: ExtendedAttributes?
    if keepingExtended {
      let read = ExtendedAttributes(of: found.descriptor, noting: lost)
      // ACLs would change the modes of new files, so they are set at the end. The others are set
      // now, so that they need not be kept in memory.
      if let open = try? directory.reopened() { read.set(on: open, noting: lost) }
      extended = read.onlyACLs
    }
    made.keep(
      FileAttributes(found.status), extended, of: try directory.status(), relative: relative,
      below: try rootDirectory(), noting: lost)
  }
}
