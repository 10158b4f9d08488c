import CProcess
import Glibc
import SystemPackage

/// A running shell command. It has no input, and its output comes through a pipe. It shares
/// standard error and the terminal with this process, and no other descriptor.
final class ShellCommand {
  private var shell = envcrypt_shell()
  private var isOpen = true
  /// The status of the command after its end; nil while it runs.
  private var status: Status?

  /// The way in which a command ended.
  enum Status: Equatable {
    case exited(Int32)
    case killed(signal: Int32)

    /// Takes a status of `waitpid`. This is WIFEXITED and similar macros, which Swift does not import.
    init(waitStatus raw: Int32) {
      let signal = raw & 0x7F
      self = signal == 0 ? .exited(raw >> 8 & 0xFF) : .killed(signal: signal)
    }
  }

  /// Starts a command with an empty `variable` in its environment.
  init(_ text: String, emptying variable: String) throws(Errno) {
    let failure = envcrypt_start_shell(text, variable + "=", &shell)
    guard failure == 0 else { throw Errno(rawValue: failure) }
  }

  deinit {
    closeOutput()
    if shell.end >= 0 { close(shell.end) }
  }

  /// Reads the output of the command. Returns 0 at the end of the output, and also if the command
  /// has ended but other processes keep the pipe open. Returns nil if the time has passed.
  func read(into buffer: UnsafeMutableRawBufferPointer, until time: MonotonicTime) -> Int? {
    guard isOpen else { return 0 }
    var hasEnded = false
    while true {
      let count = Glibc.read(shell.output, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      if errno == EINTR { continue }
      guard errno == EAGAIN, !hasEnded else { return 0 }
      guard wait(for: shell.output, until: time) else { return nil }
      // The pipe may still contain output from before the end of the command: read again.
      hasEnded = collect()
    }
  }

  func closeOutput() {
    if isOpen { close(shell.output) }
    isOpen = false
  }

  /// Returns the status of the command; nil if it has not ended when the time has passed.
  func end(until time: MonotonicTime) -> Status? {
    while !collect() {
      guard wait(for: -1, until: time) else { return nil }
    }
    return status
  }

  /// Ends the command if it is still running: SIGTERM first, SIGKILL after a second.
  func stop() {
    closeOutput()
    guard !collect() else { return }
    kill(shell.process, SIGTERM)
    guard end(until: .now + 1) == nil else { return }
    kill(shell.process, SIGKILL)
    _ = end(until: .now + 60)
  }

  /// True if the command has ended. Collects its status.
  private func collect() -> Bool {
    if status != nil { return true }
    var raw: Int32 = 0
    guard waitpid(shell.process, &raw, WNOHANG) == shell.process else { return false }
    status = Status(waitStatus: raw)
    return true
  }

  /// Waits for `descriptor` or for the end of the command, whichever comes first. Returns false if
  /// the time has passed.
  private func wait(for descriptor: Int32, until time: MonotonicTime) -> Bool {
    let left = time.secondsLeft
    guard left > 0 else { return false }
    // Without a pidfd, check every 20 ms.
    let wait = shell.end >= 0 ? left : min(left, 0.02)
    var descriptors = [descriptor, shell.end].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    poll(&descriptors, nfds_t(descriptors.count), Int32((wait * 1000).rounded(.up)))
    return true
  }
}

/// A time of the monotonic clock, which nobody can set.
struct MonotonicTime {
  private let seconds: Double

  static var now: MonotonicTime {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(seconds: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
  }

  static func + (time: MonotonicTime, seconds: Double) -> MonotonicTime {
    MonotonicTime(seconds: time.seconds + seconds)
  }

  /// The number of seconds until this time.
  var secondsLeft: Double { seconds - Self.now.seconds }
}
