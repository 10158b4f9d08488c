import Glibc
import SystemPackage

/// A file that appears under its name only when `commit` says that it is complete.
///
/// Until then it has no name at all (`O_TMPFILE`), so that nothing is left whatever ends the
/// process. Where the file system cannot do that, and for the moment in which it replaces another, it
/// has a hidden name beside the destination, which `leftovers` removes when the process is told to
/// stop, and the next process that replaces a file there where it was killed.
public final class OutputFile: ByteSink {
  public let path: FilePath
  public let discardsOnFailure = true

  /// `O_TMPFILE`, a macro that does not import: its own bit beside `O_DIRECTORY`.
  private static let unnamed: Int32 = 0o20000000 | O_DIRECTORY

  private let descriptor: Descriptor
  private let destination: FilePath
  /// Whether an existing file may be replaced.
  private let replaces: Bool
  /// Whether there is one.
  private let isReplacing: Bool
  private let leftovers: Leftovers
  /// The file that this one is made of and replaces.
  private let original: FileStatus?
  /// What keeps the destination's directory open, where the way there leads through it.
  private let directory: Descriptor?
  /// The hidden name, while there is one.
  private var temporary: FilePath?

  /// Prepares to write `path`. `source` is the input's status: its permission bits become the
  /// output's, and the same file is refused. Without one the permissions are 0666 less the umask.
  ///
  /// Throws `FileRuleError` where something stands there already, unless `replacing`.
  public convenience init(
    _ path: FilePath, replacing: Bool, permissions: mode_t? = nil, source: FileStatus? = nil,
    leftovers: Leftovers
  ) throws {
    try self.init(
      path, replacing: replacing, permissions: permissions, source: source, original: nil,
      leftovers: leftovers)
  }

  /// Prepares to replace the regular file `path` by what is made of it. It is `original` now, whose
  /// owner, permissions and times go to the new file. When another process has changed the file
  /// meanwhile, `commit` throws `FileRuleError.changed`.
  public convenience init(
    inPlaceOf path: FilePath, _ original: FileStatus, leftovers: Leftovers
  ) throws {
    guard original.kind == .regular else { throw FileRuleError.notARegularFile(path) }
    try self.init(
      path, replacing: true, permissions: original.permissions, source: nil, original: original,
      leftovers: leftovers)
  }

  /// Where an output goes that is called otherwise.
  struct Place {
    /// In `directory`, also where that goes by another name by now.
    let destination: FilePath
    let directory: Descriptor
    /// What is there.
    let existing: FileStatus?
    let isProcMounted: Bool
  }

  /// With a `place` the file goes there, though it is called `path`.
  init(
    _ path: FilePath, at place: Place? = nil, replacing: Bool, permissions: mode_t?,
    source: FileStatus?, original: FileStatus? = nil, leftovers: Leftovers
  ) throws {
    // A link stays a link: what it points to is replaced.
    let destination = place?.destination ?? Self.resolved(path)
    let existing = if let place { place.existing } else { try FileStatus.at(destination) }
    if let existing {
      if let source, existing.isSameFile(as: source) { throw FileRuleError.sameFile(path) }
      if existing.kind == .directory { throw FileRuleError.isDirectory(path) }
      if !replacing { throw FileRuleError.exists(path) }
    }
    let directory = destination.directory
    let parent: FilePath = directory.isEmpty ? "." : directory
    if place == nil {
      guard let status = try FileStatus.at(parent) else { throw FileRuleError.noDirectory(parent) }
      guard status.kind == .directory else { throw FileRuleError.notADirectory(parent) }
    }

    self.path = path
    self.directory = place?.directory
    self.destination = destination
    self.leftovers = leftovers
    self.original = original
    replaces = replacing
    isReplacing = existing != nil
    // What a process that was killed has left here; who replaces nothing leaves nothing as a rule.
    if isReplacing { leftovers.sweep(directory) }
    var number: Int32 = -1
    // A file without a name gets one through /proc: where that is missing, better know it now.
    if place?.isProcMounted ?? (access("/proc/self/fd", F_OK) == 0) {
      number = Descriptor.retrying {
        parent.withPlatformString { open($0, Self.unnamed | O_WRONLY | O_CLOEXEC, 0o600) }
      }
    }
    if number < 0 {
      leftovers.sweep(directory)
      let name = try HiddenFile.name(.output, in: directory)
      leftovers.add(name)
      temporary = name
      repeat {
        if number >= 0 { close(number) }
        number = Descriptor.retrying {
          name.withPlatformString { open($0, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600) }
        }
        guard number >= 0 else {
          let error = IOError.current(.createOutput, path)
          leftovers.remove(name)
          throw error
        }
      } while !HiddenFile.lock(number)
    }
    descriptor = Descriptor(owning: number, path: path)
    let mode = permissions ?? source?.permissions ?? Self.newFilePermissions()
    guard fchmod(number, mode) == 0 else {
      let error = IOError.current(.createOutput, path)
      discard()
      throw error
    }
  }

  deinit { discard() }

  public var positional: (any PositionalSink)? { FileRegion(writing: descriptor) }

  public func write(_ bytes: RawSpan) throws { try descriptor.write(bytes) }

  /// Gives the file its name. An existing file is replaced only when the new one is on the disk;
  /// one that came into being meanwhile is replaced only where that was allowed.
  public func commit(synchronizing: Bool = false) throws {
    if let original { try takeOver(original) }
    try descriptor.flush()
    if isReplacing || synchronizing {
      guard fsync(descriptor.number) == 0 else { throw IOError.current(.write, path) }
    }
    if temporary == nil, !isReplacing {
      do {
        try link(to: destination)
        if synchronizing { synchronizeDirectory() }
        return
      } catch FileRuleError.exists where replaces {
        // It came into being meanwhile.
        guard fsync(descriptor.number) == 0 else { throw IOError.current(.write, path) }
      }
    }
    let name: FilePath
    if let temporary {
      name = temporary
    } else {
      name = try HiddenFile.name(.output, in: destination.directory)
      leftovers.add(name)
      temporary = name
      HiddenFile.lock(descriptor.number)
      try link(to: name)
    }
    if let original { try checkUnchanged(original) }
    let renamed = name.withPlatformString { from in
      destination.withPlatformString { to -> Int32 in
        if replaces { return rename(from, to) }
        // `link` refuses an existing name on every file system that has links.
        let result = Glibc.link(from, to)
        if result == 0 { unlink(from) }
        if result == 0 || errno == EEXIST { return result }
        return access(to, F_OK) == 0 ? -1 : rename(from, to)
      }
    }
    guard renamed == 0 else {
      let reason = Errno.current
      throw reason == .fileExists
        ? FileRuleError.exists(path) : IOError(.createOutput, path, reason)
    }
    temporary = nil
    leftovers.forget(name)
    if original != nil || synchronizing { synchronizeDirectory() }
  }

  /// Throws unless the file that is about to be replaced is still as it was.
  private func checkUnchanged(_ original: FileStatus) throws {
    guard let now = try FileStatus.at(destination), now.isUnchanged(since: original) else {
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

  /// The new name is on the disk too when this returns.
  private func synchronizeDirectory() {
    let directory = destination.removingLastComponent()
    let parent: FilePath = directory.isEmpty ? "." : directory
    let number = parent.withPlatformString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard number >= 0 else { return }
    fsync(number)
    close(number)
  }

  private func discard() {
    guard let name = temporary else { return }
    temporary = nil
    leftovers.remove(name)
  }

  /// Names the file that has no name.
  private func link(to name: FilePath) throws {
    let linked = "/proc/self/fd/\(descriptor.number)".withCString { from in
      name.withPlatformString { linkat(AT_FDCWD, from, AT_FDCWD, $0, AT_SYMLINK_FOLLOW) }
    }
    if linked == 0 { return }
    let reason = Errno.current
    throw reason == .fileExists ? FileRuleError.exists(path) : IOError(.createOutput, path, reason)
  }

  private static func resolved(_ path: FilePath) -> FilePath {
    path.withPlatformString { pointer in
      guard let resolved = realpath(pointer, nil) else { return path }
      defer { free(resolved) }
      return FilePath(platformString: resolved)
    }
  }

  /// What the umask leaves of 0666. The system tells the umask only by setting it: to be asked
  /// before there are threads that create files.
  public static func newFilePermissions() -> mode_t {
    let mask = Glibc.umask(0o077)
    _ = Glibc.umask(mask)
    return 0o666 & ~mask
  }
}
