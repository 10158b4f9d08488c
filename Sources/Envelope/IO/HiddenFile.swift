import Glibc
import SystemPackage

/// Hidden names, for files that are not complete: `.envcrypt-` or `.keystore-`, twelve hexadecimal
/// digits, `.tmp`, and what SQLite and the audit log put beside that.
///
/// Whoever makes such a file holds a lock of it, which ends with the process, however that ends: a
/// hidden file without a lock is nobody's any more.
public enum HiddenFile {
  enum Purpose: String, CaseIterable {
    case output = ".envcrypt-"
    case keystore = ".keystore-"
  }

  private static let ending = ".tmp"
  private static let digits = 12
  /// What may stand beside a keystore that is being made.
  static let companions = ["-journal", "-audit"]

  static func name(_ purpose: Purpose, in directory: FilePath) throws -> FilePath {
    directory.pushing(try name(purpose))
  }

  /// A name that nobody has.
  static func name(_ purpose: Purpose) throws -> FilePath {
    FilePath(purpose.rawValue + Hexadecimal.encode(try Random.bytes(digits / 2)) + ending)
  }

  /// True if a name is one that unfinished files have, and what stands beside them. `removeLeftovers`
  /// removes such files.
  public static func isUnfinished(_ name: FilePath) -> Bool {
    name.withPlatformString { start in
      isOurs(start) && String(validatingCString: start).flatMap { hiddenFile(of: $0) } != nil
    }
  }

  private static func isOurs(_ start: UnsafePointer<CChar>) -> Bool {
    Purpose.allCases.contains { purpose in
      strncmp(start, purpose.rawValue, purpose.rawValue.utf8.count) == 0
    }
  }

  /// Locks a hidden file, or one that is about to become one, until the descriptor is closed. False
  /// where somebody was faster who took it for a leftover, and it has no name any more. Where the file
  /// system has no locks, nobody takes anything for a leftover. A process that keeps it locked is not waited
  /// for: it does not look for leftovers, which takes a moment.
  @discardableResult
  static func lock(_ number: Int32) -> Bool {
    _ = try? FileLock.take(number, patience: .seconds(1))
    var status = stat()
    return fstat(number, &status) != 0 || status.st_nlink > 0
  }

  /// Removes what killed processes have left in a directory; returns the names.
  @discardableResult
  public static func removeLeftovers(in directory: FilePath) -> [FilePath] {
    let path: FilePath = directory.isEmpty ? "." : directory
    let number = Descriptor.retrying {
      path.withPlatformString { open($0, Descriptor.pathOnly | O_DIRECTORY | O_CLOEXEC) }
    }
    guard number >= 0 else { return [] }
    return removeLeftovers(in: Descriptor(owning: number, path: directory))
  }

  /// The same in a directory that is open.
  @discardableResult
  static func removeLeftovers(in directory: Descriptor) -> [FilePath] {
    candidates(in: directory).filter { name in
      guard let file = hiddenFile(of: name) else { return false }
      let number = Descriptor.retrying {
        openat(directory.number, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
      }
      defer { if number >= 0 { close(number) } }
      if number < 0 {
        // What stood beside a file that is gone is nobody's either.
        guard Errno.current == .noSuchFileOrDirectory, file != name else { return false }
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

  /// The names that look like ours, companions before what they stand beside.
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

  /// The hidden file that `name` is, or stands beside; nil where it is neither.
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
