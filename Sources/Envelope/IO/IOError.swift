import SystemPackage

/// A failed file operation: the operation, the file and the reason of the system.
public struct IOError: Error, Equatable, Sendable {
  /// The kind of operation.
  public enum Operation: Equatable, Sendable {
    /// Opening an input, or looking up its status.
    case openInput
    /// Reading an input.
    case read
    /// Creating or naming an output, or setting its permissions.
    case createOutput
    /// Writing an output, or bringing it to the disk.
    case write
    /// Listing a directory.
    case readDirectory
    /// Removing a file.
    case remove
  }

  /// The operation that failed.
  public let operation: Operation
  /// The file as the user would name it: "-" is standard input or output.
  public let path: FilePath
  /// The reason of the system.
  public let errno: Errno

  package init(_ operation: Operation, _ path: FilePath, _ errno: Errno) {
    self.operation = operation
    self.path = path
    self.errno = errno
  }

  /// A failure with the current value of `errno`.
  package static func current(
    _ operation: Operation, _ path: @autoclosure () -> FilePath
  ) -> IOError {
    // Making the path may change `errno`.
    let reason = Errno.current
    return IOError(operation, path(), reason)
  }
}

/// A rule about input and output files that was broken.
public enum FileRuleError: Error, Equatable, Sendable {
  /// The output exists, and replacing was not allowed.
  case exists(FilePath)
  /// Input and output are the same file.
  case sameFile(FilePath)
  /// The file to replace is not a regular file.
  case notARegularFile(FilePath)
  /// Another process changed the file after this one looked at it, for example while its
  /// replacement was made.
  case changed(FilePath)
  /// A directory, but a file is required.
  case isDirectory(FilePath)
  /// A directory has the name of an output.
  case outputIsDirectory(FilePath)
  /// The directory for an output does not exist.
  case noDirectory(FilePath)
  /// The path of an output leads through a symbolic link that another user may have made.
  case foreignLink(FilePath)
  /// The output is a named pipe of another user.
  case foreignPipe(FilePath)
  /// The name is reserved for the keystore or for one of its files.
  case reserved(FilePath)
  /// The name is that of an unfinished file; such files are removed as leftovers.
  case unfinishedName(FilePath)
  /// A symbolic link below the directory that collects outputs, or in place of an output.
  case symbolicLink(FilePath)
  /// Anybody but the owner may access a file that holds a secret; `permissions` are its mode bits.
  case openToOthers(FilePath, permissions: UInt32)
  /// A path that is used as a directory for outputs is not a directory.
  case notADirectory(FilePath)
}

extension Errno {
  /// The current value of `errno`.
  package static var current: Errno { Errno(rawValue: systemErrno()) }
}
