import Glibc
import SystemPackage

/// A hold on an open file (a lease, fcntl(2)). As long as the file is open, nobody has it open for
/// writing, and whoever wants to open it for writing has to wait. The system ends the hold after
/// some time, so it is only for a moment.
package enum QuietLease {
  package enum Outcome: Equatable, Sendable {
    case held
    /// A program has the file open for writing.
    case isOpenForWriting
    /// The file system does not have leases, or the file belongs to another user.
    case notAvailable
  }

  // F_SETSIG and F_SETLEASE, macros that do not import.
  private static let (setSignal, setLease): (Int32, Int32) = (10, 1024)

  /// Takes the hold on a regular file that is open only for reading.
  package static func take(_ file: Descriptor) -> Outcome {
    // If a program waits for the hold, the system sends a signal. SIGIO would end this process, and
    // SIGURG does nothing.
    guard fcntl(file.number, setSignal, SIGURG) == 0 else { return .notAvailable }
    guard fcntl(file.number, setLease, Int32(F_RDLCK)) != 0 else { return .held }
    return Errno.current == .resourceTemporarilyUnavailable ? .isOpenForWriting : .notAvailable
  }
}
