import Glibc
import SystemPackage

/// Hidden names of incomplete files: `.envcrypt-` or `.keystore-`, twelve hexadecimal digits and
/// `.tmp`. SQLite and the audit log add companions with a suffix.
///
/// The process that makes such a file holds a lock on it. The lock ends with the process, however
/// that ends. A hidden file without a lock is a leftover.
package enum HiddenFile {
  package enum Purpose: String, CaseIterable {
    case output = ".envcrypt-"
    case keystore = ".keystore-"
  }

  private static let ending = ".tmp"
  private static let digits = 12
  /// The suffixes of the companions of a keystore that is being made.
  package static let companions = ["-journal", "-audit"]

  package static func name(_ purpose: Purpose, in directory: FilePath) throws -> FilePath {
    directory.pushing(try name(purpose))
  }

  /// A random name, which no other file has.
  static func name(_ purpose: Purpose) throws -> FilePath {
    FilePath(purpose.rawValue + Hexadecimal.encode(try Random.bytes(digits / 2)) + ending)
  }

  /// True if `name` is that of an unfinished file or of its companion. `removeLeftovers` removes
  /// such files.
  package static func isUnfinished(_ name: FilePath) -> Bool {
    name.withPlatformString { start in
      isOurs(start) && String(validatingCString: start).flatMap { hiddenFile(of: $0) } != nil
    }
  }

  private static func isOurs(_ start: UnsafePointer<CChar>) -> Bool {
    Purpose.allCases.contains { purpose in
      strncmp(start, purpose.rawValue, purpose.rawValue.utf8.count) == 0
    }
  }

  /// Locks a hidden file, or a file that is about to get a hidden name, until the descriptor is
  /// closed. False if another process took the file for a leftover and removed its name before. If
  /// the file system has no locks, no process takes a file for a leftover. Waits at most a second
  /// for another process that holds a lock: the removal of leftovers holds it only for a moment.
  @discardableResult
  package static func lock(_ number: Int32) -> Bool {
    _ = try? FileLock.take(number, patience: .seconds(1))
    var status = stat()
    return fstat(number, &status) != 0 || status.st_nlink > 0
  }

  /// Removes the files that killed processes left in a directory; returns their paths.
  @discardableResult
  package static func removeLeftovers(in directory: FilePath) -> [FilePath] {
    let path: FilePath = directory.isEmpty ? "." : directory
    let number = Descriptor.retrying {
      path.withPlatformString { open($0, Descriptor.pathOnly | O_DIRECTORY | O_CLOEXEC) }
    }
    guard number >= 0 else { return [] }
    return removeLeftovers(in: Descriptor(owning: number, path: directory))
  }

  /// Like `removeLeftovers(in:)` with a path, in an open directory.
  @discardableResult
  static func removeLeftovers(in directory: Descriptor) -> [FilePath] {
    candidates(in: directory).filter { name in
      guard let file = hiddenFile(of: name) else { return false }
      let number = Descriptor.retrying {
        openat(directory.number, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
      }
      defer { if number >= 0 { close(number) } }
      if number < 0 {
        // The companion of a file that is gone is a leftover too. So is a symbolic link: it cannot
        // be locked, and a process that misses the link it has just made makes another one.
        let reason = Errno.current
        let isLeftover = reason == .noSuchFileOrDirectory ? file != name : file == name
        guard isLeftover, reason == .noSuchFileOrDirectory || reason == .tooManySymbolicLinkLevels
        else { return false }
      } else {
        guard isRegular(number), flock(number, LOCK_SH | LOCK_NB) == 0 else { return false }
      }
      return unlinkat(directory.number, name, 0) == 0
    }.map { directory.path.appending($0) }
  }

  private static func isRegular(_ number: Int32) -> Bool {
    var status = stat()
    return fstat(number, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// The names of hidden files and companions, each companion before its file.
  private static func candidates(in directory: Descriptor) -> [String] {
    let number = Descriptor.retrying {
      openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    guard number >= 0 else { return [] }
    guard let stream = fdopendir(number) else {
      close(number)
      return []
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { start -> String? in
          isOurs(start) ? String(validatingCString: start) : nil
        }
      }
      if let name, hiddenFile(of: name) != nil { names.append(name) }
    }
    return names.sorted { $0.utf8.count > $1.utf8.count }
  }

  /// The name of the hidden file if `name` is that file or a companion of it; otherwise nil.
  private static func hiddenFile(of name: String) -> String? {
    var file = Substring(name)
    if let companion = companions.first(where: { name.hasSuffix($0) }) {
      file = file.dropLast(companion.count)
    }
    guard let purpose = Purpose.allCases.first(where: { file.hasPrefix($0.rawValue) }),
      file.hasSuffix(ending)
    else { return nil }
    let middle = file.dropFirst(purpose.rawValue.count).dropLast(ending.count)
    guard middle.utf8.count == digits, middle.utf8.allSatisfy({ isDigit($0) }) else { return nil }
    return String(file)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
