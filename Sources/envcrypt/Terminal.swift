import Envelope
import Glibc

/// The terminal the person sits at, whatever standard input and output are.
enum Terminal {
  /// The most bytes of a passphrase.
  static let passphraseLimit = 1024

  /// Asks for a passphrase without showing it; nil where there is no terminal.
  static func askPassphrase(_ prompt: String) throws -> SecretBytes? {
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else { return nil }
    defer { close(terminal) }
    var saved = termios()
    guard tcgetattr(terminal, &saved) == 0 else { return nil }
    // No echo, and no signals either: an interrupt has to come by here, to set the terminal right.
    var silent = saved
    silent.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
    guard tcsetattr(terminal, TCSAFLUSH, &silent) == 0 else { return nil }
    show(prompt, on: terminal)
    var wasInterrupted = false
    var count = 0
    let typed = SecretBytes(count: passphraseLimit) { span in
      span.withUnsafeMutableBytes {
        count = read(from: terminal, into: $0, wasInterrupted: &wasInterrupted)
      }
    }
    tcsetattr(terminal, TCSAFLUSH, &saved)
    show("\n", on: terminal)
    if wasInterrupted {
      signal(SIGINT, SIG_DFL)
      raise(SIGINT)
    }
    return typed.prefix(count)
  }

  /// Asks a question that only "y" or "yes" answers so. Where standard input is no terminal, a script
  /// is at work, which has decided.
  static func confirms(_ question: String) throws -> Bool {
    guard Descriptor.standardInput.isTerminal else { return true }
    show(question, on: STDERR_FILENO)
    return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
  }

  private static func read(
    from terminal: Int32, into buffer: UnsafeMutableRawBufferPointer, wasInterrupted: inout Bool
  ) -> Int {
    var count = 0
    while true {
      var byte: UInt8 = 0
      let status = Glibc.read(terminal, &byte, 1)
      if status < 0, errno == EINTR { continue }
      if status <= 0 { return count }
      switch byte {
      case 3, 28:  // ^C, ^\
        wasInterrupted = true
        return 0
      case 4, 10, 13: return count  // ^D, line feed, carriage return
      case 8, 127:  // backspace: a whole character of UTF-8
        while count > 0 {
          count -= 1
          if buffer[count] & 0xC0 != 0x80 { break }
        }
      case 21: count = 0  // ^U
      default:
        if count < buffer.count {
          buffer[count] = byte
          count += 1
        }
      }
    }
  }

  private static func show(_ text: String, on terminal: Int32) {
    var text = text
    text.withUTF8 { _ = Glibc.write(terminal, $0.baseAddress, $0.count) }
  }
}

/// Plaintext on its way to a terminal: text passes, binary does not.
final class TerminalSink: ByteSink {
  private let sink: any ByteSink
  /// The beginning of a character whose end has not come yet.
  private var partial: [UInt8] = []
  let discardsOnFailure = false

  init(_ sink: any ByteSink) { self.sink = sink }

  func write(_ bytes: RawSpan) throws {
    var pending = partial
    bytes.withUnsafeBytes { pending.append(contentsOf: $0) }
    var end = pending.count
    // At most three bytes of an unfinished character wait for the next call.
    var back = 1
    while back <= min(3, end) {
      let byte = pending[pending.count - back]
      if byte & 0xC0 == 0xC0 {
        let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
        if back < length { end = pending.count - back }
        break
      }
      if byte & 0x80 == 0 { break }
      back += 1
    }
    partial = Array(pending[end...])
    let text = Array(pending[..<end])
    guard Self.isText(text) else { throw Self.refusal }
    try sink.write(text.span.bytes)
  }

  /// Throws where the plaintext ended inside a character.
  func finish() throws {
    guard partial.isEmpty else { throw Self.refusal }
  }

  static var refusal: Failure {
    Failure(
      .usage, "the plaintext is binary, and standard output is a terminal",
      hint: "write it to a file with -o FILE, or pipe it into another command")
  }

  private static func isText(_ bytes: [UInt8]) -> Bool {
    guard let text = String(validating: bytes, as: UTF8.self) else { return false }
    return text.unicodeScalars.allSatisfy {
      switch $0.value {
      case 9, 10, 13: true
      default: $0.properties.generalCategory != .control
      }
    }
  }
}
