import Glibc
import SystemPackage

/// A file that appears under its name only when `commit` says that it is complete.
///
/// Until then it has no name at all (`O_TMPFILE`), so that nothing is left whatever ends the
/// process. If the file system cannot do that, and for the moment in which it replaces another, it
/// has a hidden name beside the destination, which `leftovers` removes when the process is told to
/// stop, and the next process that replaces a file there if it was killed.
///
/// Its directory is opened once, and every name is looked up in that. One thread at a time uses it.
public final class OutputFile: ByteSink, @unchecked Sendable {
  public let path: FilePath
  public let discardsOnFailure = true

  /// `O_TMPFILE`, a macro that does not import: its own bit beside `O_DIRECTORY`.
  private static let unnamed: Int32 = 0o20000000 | O_DIRECTORY
  /// `AT_EMPTY_PATH`, another one: the open file itself.
  private static let itself: Int32 = 0x1000
  /// A file without a name gets one through /proc, if not otherwise.
  private static let isProcMounted = access("/proc/self/fd", F_OK) == 0

  let descriptor: Descriptor
  private let place: FilePlace
  /// Whether an existing file may be replaced.
  private let replaces: Bool
  /// Whether there is one.
  private let isReplacing: Bool
  private let leftovers: Leftovers
  /// The file that this one is made of and replaces.
  private let original: FileStatus?
  /// The hidden name, while there is one.
  private var temporary: FilePath?

  /// Prepares to write `path`. `source` is the input's status: the same file is refused, and its
  /// permission bits become the output's if no `permissions` are given. Without either they are 0666 less
  /// the umask. `reserved` says what is never an output.
  ///
  /// Throws `FileRuleError` if something stands there already, unless `replacing`.
  public convenience init(
    _ path: FilePath, replacing: Bool, permissions: mode_t? = nil, source: FileStatus? = nil,
    reserved: (any ReservedFiles)? = nil, leftovers: Leftovers
  ) throws {
    let (place, existing) = try FilePlace.following(path)
    try self.init(
      at: place, existing, replacing: replacing, permissions: permissions, source: source,
      reserved: reserved, leftovers: leftovers)
  }

  /// Prepares to replace the regular file at `place` by what is made of it. It is `original` now, whose
  /// owner, permissions and times go to the new file. If another process has changed the file
  /// meanwhile, `commit` throws `FileRuleError.changed`.
  public convenience init(
    inPlaceOf place: FilePlace, _ original: FileStatus, reserved: (any ReservedFiles)? = nil,
    leftovers: Leftovers
  ) throws {
    guard original.kind == .regular else { throw FileRuleError.notARegularFile(place.path) }
    try self.init(
      at: place, original, replacing: true, permissions: nil, source: nil,
      original: original, reserved: reserved, leftovers: leftovers)
  }

  /// Prepares to write at `place`, where `existing` is now. Throws `FileRuleError.symbolicLink` if a link
  /// is in the way, and `notARegularFile` for a special file, even when replacing.
  public init(
    at place: FilePlace, _ existing: FileStatus?, replacing: Bool, permissions: mode_t?,
    source: FileStatus?, original: FileStatus? = nil, reserved: (any ReservedFiles)?,
    leftovers: Leftovers
  ) throws {
    let path = place.path
    try reserved?.check(place, existing: existing)
    if HiddenFile.isUnfinished(place.name) { throw FileRuleError.unfinishedName(path) }
    if let existing {
      if let source, existing.isSameFile(as: source) { throw FileRuleError.sameFile(path) }
      switch existing.kind {
      case .directory: throw FileRuleError.isDirectory(path)
      case .symbolicLink: throw FileRuleError.symbolicLink(path)
      case .other: throw FileRuleError.notARegularFile(path)
      case .regular: if !replacing { throw FileRuleError.exists(path) }
      }
    }

    self.path = path
    self.place = place
    self.leftovers = leftovers
    self.original = original
    replaces = replacing
    isReplacing = existing != nil
    let directory = place.directory
    // A process that was killed may have left something here; one that replaces nothing leaves nothing
    // as a rule.
    if isReplacing { leftovers.sweep(directory) }
    var number: Int32 = -1
    // If /proc is missing, better know it now.
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
    // A file that takes another file's place gets its permissions with its owner.
    let mode =
      original == nil
      ? permissions ?? source?.permissions ?? Self.newFilePermissions() : 0o600
    guard fchmod(number, mode) == 0 else {
      let error = IOError.current(.createOutput, path)
      discard()
      throw error
    }
  }

  deinit { discard() }

  public var positional: (any PositionalSink)? { FileRegion(writing: descriptor) }

  public func write(_ bytes: RawSpan) throws { try descriptor.write(bytes) }

  // MARK: Naming

  /// Gives the file its name. It is on the disk before, and so is the name when this returns, unless it
  /// is not to be `synchronizing`. A file that came into being meanwhile is replaced only if that was
  /// allowed.
  public func commit(synchronizing: Bool = true) throws {
    try complete()
    if synchronizing { try synchronize() }
    try appear()
    if synchronizing { try synchronizeName() }
  }

  /// All bytes are there. Comes before the other steps.
  func complete() throws {
    if let original { try takeOver(original) }
    try descriptor.flush()
  }

  /// The bytes are on the disk when this returns.
  func synchronize() throws(IOError) { try descriptor.synchronizeIfPossible() }

  /// The name is on the disk when this returns.
  func synchronizeName() throws(IOError) {
    do throws(IOError) {
      try directory.synchronizeNames(orFileSystemOf: descriptor)
    } catch {
      throw IOError(.write, path, error.errno)
    }
  }

  /// The directory that the file gets its name in.
  var directory: Descriptor { place.directory }

  /// Gives the file its name.
  func appear() throws {
    if temporary == nil, !isReplacing {
      do {
        return try link(to: place.name)
      } catch FileRuleError.exists where replaces {
        // It came into being meanwhile.
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
        // A link refuses an existing name on every file system that has links.
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

  /// Throws unless the file that is about to be replaced is still as it was.
  private func checkUnchanged(_ original: FileStatus) throws {
    guard let now = try place.status(), now.isUnchanged(since: original) else {
      throw FileRuleError.changed(path)
    }
  }

  /// Gives the new file what belongs to the old one.
  private func takeOver(_ original: FileStatus) throws {
    // Who may not give files away keeps them; what the old group was allowed is not for another.
    var permissions = original.permissions
    if fchown(descriptor.number, original.owner, original.group) != 0,
      fchown(descriptor.number, uid_t.max, original.group) != 0
    {
      permissions &= ~0o070
    }
    guard fchmod(descriptor.number, permissions) == 0 else {
      throw IOError.current(.createOutput, path)
    }
    var times = [original.accessTime, original.modificationTime]
    guard futimens(descriptor.number, &times) == 0 else { throw IOError.current(.write, path) }
  }

  private func discard() {
    guard let name = temporary else { return }
    temporary = nil
    leftovers.remove(name, in: directory)
  }

  /// Names the file that has no name.
  private func link(to name: FilePath) throws {
    let number = directory.number
    // Root may do so, and since Linux 6.10 whoever has opened the file.
    if name.withPlatformString({ linkat(descriptor.number, "", number, $0, Self.itself) }) == 0 {
      return
    }
    var reason = Errno.current
    if reason == .noSuchFileOrDirectory || reason == .notPermitted || reason == .invalidArgument {
      let linked = "/proc/self/fd/\(descriptor.number)".withCString { from in
        name.withPlatformString { linkat(AT_FDCWD, from, number, $0, AT_SYMLINK_FOLLOW) }
      }
      if linked == 0 { return }
      reason = Errno.current
    }
    throw reason == .fileExists ? FileRuleError.exists(path) : IOError(.createOutput, path, reason)
  }

  // MARK: Permissions

  /// The bits that the umask leaves of 0666. Ask before there are threads that create files.
  public static func newFilePermissions() -> mode_t { 0o666 & ~creationMask() }

  /// The umask. The system tells it only by setting it: to be asked before there are threads that create
  /// files.
  public static func creationMask() -> mode_t {
    let mask = Glibc.umask(0o077)
    _ = Glibc.umask(mask)
    return mask
  }
}
