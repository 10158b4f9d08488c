import Glibc
import SystemPackage

/// A file that gets its name only with `commit`, when it is complete.
///
/// Until then it has no name at all (`O_TMPFILE`), so that nothing is left however the process
/// ends. If the file system cannot do that, and for the moment in which it replaces another file,
/// it has a hidden name in the same directory. `leftovers` removes that name if a signal ends the
/// process; if the process is killed, the next process that replaces a file there removes it.
///
/// Its directory is opened once, and every name is looked up in that descriptor. One thread at a
/// time may use an `OutputFile`.
public final class OutputFile: ByteSink, @unchecked Sendable {
  /// The file as the user would name it.
  public let path: FilePath
  /// True: without `commit` the file disappears.
  public let discardsOnFailure = true

  /// `O_TMPFILE`, a macro that does not import: its own bit together with `O_DIRECTORY`.
  private static let unnamed: Int32 = 0o20000000 | O_DIRECTORY
  /// True if /proc is there. A file without a name can get its name through /proc if the direct way
  /// fails.
  private static let isProcMounted = access("/proc/self/fd", F_OK) == 0

  let descriptor: Descriptor
  /// The place in which the file gets its name.
  package let place: FilePlace
  /// True if an existing file may be replaced.
  private let replaces: Bool
  /// True if a file existed at the start.
  private let isReplacing: Bool
  private let leftovers: Leftovers
  /// The file that this one is made from and replaces.
  private let original: FileStatus?
  /// True if the new file gets the times of `original`.
  private let keepsTimes: Bool
  /// The hidden name, as long as the file has one.
  private var temporary: FilePath?
  /// The attributes that the file gets when it is complete, and the record of those that it cannot
  /// get.
  private var kept: Kept?
  /// The source whose times the file gets when it is complete.
  private var timed: FileStatus?
  private let begun = FileTime.now
  /// True if runs of zeros become holes.
  private var isSparse = false

  private struct Kept {
    let attributes: FileAttributes?
    let extended: ExtendedAttributes?
    let lost: LostAttributes
  }

  /// Prepares to write `path`. `source` is the status of the input: it must not be the same file,
  /// and its permission bits are the default for `permissions`, as far as they give nobody access
  /// to the output who has none to the input. Without either they are 0666 less the umask. Unless
  /// they are the input's, they are also limited by those of the file that is replaced.
  /// `leftovers` records the hidden names that the file has until `commit`.
  ///
  /// Throws `FileRuleError.exists` if there is a file already, unless `replacing`, other cases of
  /// `FileRuleError`, and `IOError` if the system refuses.
  public convenience init(
    _ path: FilePath, replacing: Bool, permissions: mode_t? = nil, source: FileStatus? = nil,
    leftovers: Leftovers
  ) throws {
    try self.init(
      path, replacing: replacing, permissions: permissions, source: source, reserved: nil,
      leftovers: leftovers)
  }

  /// Like the initializer without `reserved`, which names the files that are never outputs.
  package convenience init(
    _ path: FilePath, replacing: Bool, permissions: mode_t? = nil, source: FileStatus? = nil,
    reserved: (any ReservedFiles)?, leftovers: Leftovers
  ) throws {
    let (place, existing) = try FilePlace.following(path)
    try self.init(
      at: place, existing, replacing: replacing, permissions: permissions, source: source,
      reserved: reserved, leftovers: leftovers)
  }

  /// Prepares to replace the regular file at `place` by a file that is made from it. `original` is
  /// its status now; the new file gets its owner and permissions, and its times if `keepingTimes`.
  /// If another process changes the file meanwhile, `commit` throws `FileRuleError.changed`.
  package convenience init(
    inPlaceOf place: FilePlace, _ original: FileStatus, keepingTimes: Bool = true,
    reserved: (any ReservedFiles)? = nil, leftovers: Leftovers
  ) throws {
    guard original.kind == .regular else { throw FileRuleError.notARegularFile(place.path) }
    try self.init(
      at: place, original, replacing: true, permissions: nil, source: nil,
      original: original, keepingTimes: keepingTimes, reserved: reserved, leftovers: leftovers)
  }

  /// Prepares to write at `place`. `existing` is the status of the file there now. Throws
  /// `FileRuleError.symbolicLink` if that is a link, and `notARegularFile` for a special file, even
  /// when replacing.
  package init(
    at place: FilePlace, _ existing: FileStatus?, replacing: Bool, permissions: mode_t?,
    source: FileStatus?, original: FileStatus? = nil, keepingTimes: Bool = true,
    reserved: (any ReservedFiles)?, leftovers: Leftovers
  ) throws {
    let path = place.path
    try reserved?.check(place, existing: existing)
    if HiddenFile.isUnfinished(place.name) { throw FileRuleError.unfinishedName(path) }
    if let existing {
      if let source, existing.isSameFile(as: source) { throw FileRuleError.sameFile(path) }
      switch existing.kind {
      case .directory: throw FileRuleError.outputIsDirectory(path)
      case .symbolicLink: throw FileRuleError.symbolicLink(path)
      case .other: throw FileRuleError.notARegularFile(path)
      case .regular: if !replacing { throw FileRuleError.exists(path) }
      }
    }

    self.path = path
    self.place = place
    self.leftovers = leftovers
    self.original = original
    keepsTimes = keepingTimes
    replaces = replacing
    isReplacing = existing != nil
    let directory = place.directory
    // A killed process that replaced a file may have left a hidden file here. Without replacing
    // there usually are no leftovers.
    if isReplacing { leftovers.sweep(directory) }
    var number: Int32 = -1
    // Without /proc the file might not get its name later, so it has a hidden name from the start.
    if Self.isProcMounted {
      number = Descriptor.retrying {
        openat(directory.number, ".", Self.unnamed | O_WRONLY | O_CLOEXEC, 0o600)
      }
    }
    if number < 0 {
      leftovers.sweep(directory)
      let name = try HiddenFile.name(.output)
      leftovers.add(name, in: directory)
      temporary = name
      repeat {
        if number >= 0 { close(number) }
        number = Descriptor.retrying {
          name.withPlatformString {
            openat(
              directory.number, $0, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0o600)
          }
        }
        guard number >= 0 else {
          let error = IOError.current(.createOutput, path)
          leftovers.remove(name, in: directory)
          throw error
        }
      } while !HiddenFile.lock(number)
    }
    descriptor = Descriptor(owning: number, path: path)
    // A file that replaces `original` gets its permissions later, together with its owner.
    let mode: mode_t
    if original != nil {
      mode = 0o600
    } else if permissions == nil, let source, let now = try? descriptor.status() {
      mode = source.permissions(forOwner: now.owner, group: now.group)
    } else {
      let limit = existing?.permissionsOfSuccessor ?? 0o777
      mode = (permissions ?? Self.newFilePermissions()) & limit
    }
    guard fchmod(number, mode) == 0 else {
      let error = IOError.current(.createOutput, path)
      discard()
      throw error
    }
  }

  deinit { discard() }

  /// The file by position.
  public var positional: (any PositionalSink)? {
    FileRegion(writing: descriptor, makingHoles: isSparse)
  }

  /// Writes all of `bytes`. Throws `IOError`.
  public func write(_ bytes: RawSpan) throws { try descriptor.write(bytes) }

  /// Gives the file these attributes when it is complete, as far as possible. Notes in `lost` what
  /// the file system does not keep. Without `attributes`, ACLs are not set either.
  package func keep(
    _ attributes: FileAttributes?, _ extended: ExtendedAttributes? = nil,
    noting lost: LostAttributes
  ) {
    kept = Kept(attributes: attributes, extended: extended, lost: lost)
  }

  /// Makes holes of runs of zeros. Call before the first write.
  package func makeSparse() { isSparse = true }

  /// Gives the file the times of its source when it is complete, so that `FileStatus.hasTime` says
  /// that it was made from the source as that is now. `source` is its status from before its bytes
  /// were read.
  package func keepTimes(of source: FileStatus) { timed = source }

  /// The status of the file now.
  package func status() throws(IOError) -> FileStatus { try descriptor.status() }

  // MARK: Naming

  /// Gives the file its name. If `synchronizing`, brings the file to the disk before, and the name
  /// before this returns. A file that was created there meanwhile is replaced only if replacing is
  /// allowed. Call once, after the last write.
  ///
  /// Throws `IOError`, and `FileRuleError.exists` if a file is there that must not be replaced.
  public func commit(synchronizing: Bool = true) throws {
    try complete()
    if synchronizing { try synchronize() }
    try appear()
    if synchronizing { try synchronizeName() }
  }

  /// Completes the file after all bytes are written. Comes before the other steps.
  func complete() throws {
    if let original { try takeOver(original) }
    if let kept { try give(kept) }
    if let timed { descriptor.take(timesOf: timed, begun: begun) }
    try descriptor.flush()
  }

  private func give(_ kept: Kept) throws(IOError) {
    // An owner who may not write to the file may not set its attributes either.
    let mode = try descriptor.status().permissions
    if kept.extended != nil { _ = fchmod(descriptor.number, mode | 0o600) }
    if let attributes = kept.attributes {
      attributes.apply(to: descriptor, kept.extended, noting: kept.lost)
    } else if let extended = kept.extended {
      extended.set(on: descriptor, noting: kept.lost)
      guard fchmod(descriptor.number, mode) == 0 else { throw .current(.createOutput, path) }
    }
  }

  /// Brings the bytes to the disk.
  func synchronize() throws(IOError) { try descriptor.synchronizeIfPossible() }

  /// Brings the name to the disk.
  func synchronizeName() throws(IOError) {
    do throws(IOError) {
      try directory.synchronizeNames(orFileSystemOf: descriptor)
    } catch {
      throw IOError(.write, path, error.errno)
    }
  }

  /// The directory in which the file gets its name.
  var directory: Descriptor { place.directory }

  /// Gives the file its name.
  func appear() throws {
    if temporary == nil, !isReplacing {
      do {
        return try link(to: place.name)
      } catch FileRuleError.exists where replaces {
        // The file was created meanwhile.
      }
    }
    let name: FilePath
    if let temporary {
      name = temporary
    } else {
      name = try HiddenFile.name(.output)
      leftovers.add(name, in: directory)
      temporary = name
      HiddenFile.lock(descriptor.number)
      try link(to: name)
    }
    if let original { try checkUnchanged(original) }
    guard rename(name) == 0 else {
      let reason = Errno.current
      throw reason == .fileExists
        ? FileRuleError.exists(path) : IOError(.createOutput, path, reason)
    }
    temporary = nil
    leftovers.forget(name, in: directory)
  }

  private func rename(_ hidden: FilePath) -> Int32 {
    let number = directory.number
    return hidden.withPlatformString { from in
      place.name.withPlatformString { to -> Int32 in
        if replaces { return renameat(number, from, number, to) }
        // On every file system with hard links, linkat refuses an existing name.
        let result = linkat(number, from, number, to, 0)
        if result == 0 { unlinkat(number, from, 0) }
        if result == 0 || errno == EEXIST { return result }
        var status = stat()
        guard fstatat(number, to, &status, AT_SYMLINK_NOFOLLOW) != 0 else {
          errno = EEXIST
          return -1
        }
        return renameat(number, from, number, to)
      }
    }
  }

  /// Throws `FileRuleError.changed` unless the file to replace is unchanged.
  private func checkUnchanged(_ original: FileStatus) throws {
    guard let now = try place.status(), now.isUnchanged(since: original) else {
      throw FileRuleError.changed(path)
    }
  }

  /// Gives the new file the owner, the permissions and perhaps the times of the old one.
  private func takeOver(_ original: FileStatus) throws {
    do throws(IOError) {
      try descriptor.take(ownerAndModeOf: original)
      if original.specialBits != 0 {
        let now = try descriptor.status()
        let mode = FileAttributes(original).mode(
          forOwner: now.owner, group: now.group, ofDirectory: false)
        _ = fchmod(descriptor.number, mode)
      }
    } catch {
      throw IOError(.createOutput, path, error.errno)
    }
    guard keepsTimes else { return }
    var times = [original.accessTime, original.modificationTime]
    guard futimens(descriptor.number, &times) == 0 else { throw IOError.current(.write, path) }
  }

  private func discard() {
    guard let name = temporary else { return }
    temporary = nil
    leftovers.remove(name, in: directory)
  }

  /// Gives a name to the file without a name.
  private func link(to name: FilePath) throws {
    guard let reason = descriptor.link(to: name, in: directory) else { return }
    throw reason == .fileExists ? FileRuleError.exists(path) : IOError(.createOutput, path, reason)
  }

  // MARK: Permissions

  /// The mode 0666 less the umask. Call before there are threads that create files.
  package static func newFilePermissions() -> mode_t { 0o666 & ~creationMask() }

  /// The umask. The system returns it only when it is set, so call before there are threads that
  /// create files.
  package static func creationMask() -> mode_t {
    let mask = Glibc.umask(0o077)
    _ = Glibc.umask(mask)
    return mask
  }
}
