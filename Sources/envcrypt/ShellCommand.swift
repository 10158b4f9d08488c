import CProcess
import Glibc
import SystemPackage

/// A shell command that is running. It has nothing to read, and what it prints comes through a pipe.
/// It shares standard error and the terminal with this process, and no other descriptor.
final class ShellCommand {
  private var shell = envcrypt_shell()
  private var isOpen = true
  /// When the command has ended.
  private var status: Status?

  /// How a command ended.
  enum Status: Equatable {
    case exited(Int32)
    case killed(signal: Int32)
  }

  /// Starts a command that does not find `variable` in its environment.
  init(_ text: String, without variable: String) throws(Errno) {
    let failure = envcrypt_start_shell(text, variable, &shell)
    guard failure == 0 else { throw Errno(rawValue: failure) }
  }

  deinit {
    closeOutput()
    if shell.end >= 0 { close(shell.end) }
  }

  /// Reads what the command prints; 0 at the end of it, which is also when the command has ended and
  /// others keep the pipe open. Nil when the time has passed.
  func read(into buffer: UnsafeMutableRawBufferPointer, until time: MonotonicTime) -> Int? {
    guard isOpen else { return 0 }
    var hasEnded = false
    while true {
      let count = Glibc.read(shell.output, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      if errno == EINTR { continue }
      guard errno == EAGAIN, !hasEnded else { return 0 }
      guard wait(for: shell.output, until: time) else { return nil }
      // The output from before its end is still in the pipe.
      hasEnded = collect()
    }
  }

  func closeOutput() {
    if isOpen { close(shell.output) }
    isOpen = false
  }

  /// How the command ended; nil if it has not when the time has passed.
  func end(until time: MonotonicTime) -> Status? {
    while !collect() {
      guard wait(for: -1, until: time) else { return nil }
    }
    return status
  }

  /// Ends the command, if it is running.
  func stop() {
    closeOutput()
    guard !collect() else { return }
    kill(shell.process, SIGTERM)
    guard end(until: .now + 1) == nil else { return }
    kill(shell.process, SIGKILL)
    _ = end(until: .now + 60)
  }

  /// True if the command has ended.
  private func collect() -> Bool {
    if status != nil { return true }
    var raw: Int32 = 0
    guard waitpid(shell.process, &raw, WNOHANG) == shell.process else { return false }
    // WIFEXITED and its like, macros that do not import.
    let signal = raw & 0x7F
    status = signal == 0 ? .exited(raw >> 8 & 0xFF) : .killed(signal: signal)
    return true
  }

  /// Waits for `descriptor` or for the end of the command, whichever is first; false when the time has
  /// passed.
  private func wait(for descriptor: Int32, until time: MonotonicTime) -> Bool {
    let left = time.secondsLeft
    guard left > 0 else { return false }
    // Without a descriptor of the process somebody has to look now and then.
    let wait = shell.end >= 0 ? left : min(left, 0.02)
    var descriptors = [descriptor, shell.end].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    poll(&descriptors, nfds_t(descriptors.count), Int32((wait * 1000).rounded(.up)))
    return true
  }
}

/// A time by the clock that nobody sets.
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

  /// How much of it is still to come.
  var secondsLeft: Double { seconds - Self.now.seconds }
}
