import SystemPackage

/// A file operation that failed: which, on what, and the system's reason.
public struct IOError: Error, Equatable, Sendable {
  /// What was being done. The caller's exit status depends on it.
  public enum Operation: Equatable, Sendable {
    case openInput
    case read
    case createOutput
    case write
    case readDirectory
  }

  public let operation: Operation
  /// The file as the user would name it: "-" is standard input or output.
  public let path: FilePath
  public let errno: Errno

  public init(_ operation: Operation, _ path: FilePath, _ errno: Errno) {
    self.operation = operation
    self.path = path
    self.errno = errno
  }

  /// The failure that `errno` holds right now.
  static func current(_ operation: Operation, _ path: FilePath) -> IOError {
    IOError(operation, path, .current)
  }
}

/// A rule about input and output files that the user's choice breaks.
public enum FileRuleError: Error, Equatable, Sendable {
  /// The output exists and may not be replaced.
  case exists(FilePath)
  /// Input and output are one file.
  case sameFile(FilePath)
  /// Something else than a regular file where one is to be replaced.
  case notARegularFile(FilePath)
  /// The file was changed by somebody else while its replacement was made.
  case changed(FilePath)
  /// A directory where a file is wanted.
  case isDirectory(FilePath)
  /// The directory an output belongs in is not there.
  case noDirectory(FilePath)
  /// A symbolic link of another user where an output belongs.
  case foreignLink(FilePath)
  /// A named pipe of another user where an output belongs.
  case foreignPipe(FilePath)
  /// A name that belongs to the keystore, or to a file of it.
  case reserved(FilePath)
  /// A name as unfinished files have it, which are removed.
  case unfinishedName(FilePath)
  /// A symbolic link where outputs are collected.
  case symbolicLink(FilePath)
  /// Others than its owner may read or change a file that holds a secret; `permissions` are its mode
  /// bits.
  case openToOthers(FilePath, permissions: UInt32)
  /// A path that was to be the directory for several outputs is none.
  case notADirectory(FilePath)
}

extension Errno {
  /// What the C library left in `errno`.
  static var current: Errno { Errno(rawValue: systemErrno()) }
}
