import Envelope
import Glibc

/// The command of ENVCRYPT_PASSPHRASE_COMMAND or of the configuration file. The first line that it prints is the passphrase.
struct PassphraseCommand {
  /// The time limit for the first line, in seconds: the command may ask a person.
  var timeForLine = 600.0
  /// The time limit from the first line to the end of the command, in seconds.
  var timeForEnd = 5.0
  /// The number of bytes after the first line that are read and discarded: a command that writes a
  /// little more must not fail because of a closed pipe.
  var restLimit = 64 << 10

  private let text: String
  /// The name of the command in messages.
  private let name: String

  init(_ text: String, name: String) {
    self.text = text
    self.name = name
  }

  /// Runs the command and returns its first line. Throws `Failure`.
  func firstLine() throws -> SecretBytes {
    let command: ShellCommand
    do {
      // Empty the variable in the environment of the command. Otherwise an envcrypt in the command
      // would run the command again, without end.
      command = try ShellCommand(text, emptying: Settings.passphraseCommandVariable)
    } catch {
      throw Failure(.systemError, "\(name) cannot be run: \(error)")
    }
    defer { command.stop() }
    var line = Line()
    let time = MonotonicTime.now + timeForLine
    let bytes = SecretBytes(count: Terminal.passphraseLimit) { span in
      span.withUnsafeMutableBytes { line.read(from: command, into: $0, until: time) }
    }
    guard !line.isLate else {
      throw Failure(
        .noPermission, "\(name) printed no line within \(Int(timeForLine)) seconds")
    }
    let passphrase = try PassphraseSource.line(bytes, count: line.count)
    try finish(command)
    return passphrase
  }

  /// Waits for the end of the command. Throws if the command fails.
  private func finish(_ command: ShellCommand) throws {
    let time = MonotonicTime.now + timeForEnd
    var rest = restLimit
    _ = SecretBytes(count: 4096) { span in
      span.withUnsafeMutableBytes { buffer in
        while rest > 0, let count = command.read(into: buffer, until: time), count > 0 {
          rest -= count
        }
      }
    }
    command.closeOutput()
    switch command.end(until: time) {
    case .exited(0): return
    // The command printed more than the limit and died of the closed pipe.
    case .exited(128 + SIGPIPE) where rest <= 0, .killed(signal: SIGPIPE) where rest <= 0: return
    case .exited(let status):
      throw Failure(.noPermission, "\(name) failed: exit status \(status)")
    case .killed(let signal):
      throw Failure(.noPermission, "\(name) was killed by signal \(signal)")
    case nil:
      throw Failure(
        .noPermission,
        "\(name) did not end within \(Int(timeForEnd)) seconds after its first line",
        hint: "if it starts a process that keeps running, start that in the background: COMMAND &")
    }
  }

  /// A line that is being read.
  private struct Line {
    private(set) var count = 0
    private(set) var isLate = false

    /// Reads up to a line feed, the end, or the size of `buffer`.
    mutating func read(
      from command: ShellCommand, into buffer: UnsafeMutableRawBufferPointer,
      until time: MonotonicTime
    ) {
      while count < buffer.count {
        let free = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
        guard let new = command.read(into: free, until: time) else {
          isLate = true
          return
        }
        if new == 0 { return }
        if let end = free.prefix(new).firstIndex(of: UInt8(ascii: "\n")) {
          count += end
          return
        }
        count += new
      }
    }
  }
}
