import CProcess
import Envelope
import Glibc

/// The controlling terminal of the user, even if standard input and output are redirected.
enum Terminal {
  /// The size of the buffer for a passphrase in bytes; a passphrase has fewer.
  static let passphraseLimit = 1024

  /// Asks for a passphrase without showing it; nil if there is no terminal. A signal that ends or
  /// stops the process during this time restores the terminal first.
  static func askPassphrase(_ prompt: String) throws -> SecretBytes? {
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    guard terminal >= 0 else { return nil }
    defer { close(terminal) }
    var answer = Answer()
    let typed = SecretBytes(count: passphraseLimit) { span in
      span.withUnsafeMutableBytes { buffer in
        prompt.withCString { question in
          guard envcrypt_hide_typing(terminal, question) else { return }
          answer.read(from: terminal, into: buffer)
          envcrypt_show_typing()
        }
      }
    }
    switch answer.end {
    case .noTerminal: return nil
    case .hangUp: throw Failure(.noPermission, "the terminal hung up before a passphrase was typed")
    case .tooLong: throw PassphraseSource.tooLong
    case .complete: return typed.prefix(answer.count)
    }
  }

  /// Asks a question. Returns true if the answer is "y" or "yes". If standard input is not a
  /// terminal, returns true without asking: a script has already decided. If standard error is
  /// redirected, the question is on the controlling terminal.
  static func confirms(_ question: String) throws -> Bool {
    guard Descriptor.standardInput.isTerminal else { return true }
    if isatty(STDERR_FILENO) == 1 {
      return confirms(question, on: STDERR_FILENO, answerOn: STDIN_FILENO)
    }
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else {
      return confirms(question, on: STDIN_FILENO, answerOn: STDIN_FILENO)
    }
    defer { close(terminal) }
    return confirms(question, on: terminal, answerOn: terminal)
  }

  /// Asks on one descriptor and reads the answer from another one, to the end of the line. If the
  /// user ends the input instead (^D), ends the line of the question.
  private static func confirms(
    _ question: String, on output: Int32, answerOn input: Int32
  ) -> Bool {
    guard show(question, on: output) else { return false }
    var answer: [UInt8] = []
    var byte: UInt8 = 0
    while true {
      let status = Glibc.read(input, &byte, 1)
      if status < 0, errno == EINTR { continue }
      guard status == 1 else {
        _ = show("\n", on: output)
        break
      }
      if byte == UInt8(ascii: "\n") { break }
      answer.append(byte)
    }
    return ["y", "yes"].contains(String(decoding: answer, as: UTF8.self).lowercased())
  }

  /// Returns false if the terminal takes no text.
  private static func show(_ text: String, on terminal: Int32) -> Bool {
    var text = text
    return text.withUTF8 { Glibc.write(terminal, $0.baseAddress, $0.count) >= 0 }
  }
}

/// A typed line, with support for the keys that correct it.
private struct Answer {
  enum End { case noTerminal, hangUp, tooLong, complete }

  private(set) var count = 0
  private(set) var end = End.noTerminal

  mutating func read(from terminal: Int32, into buffer: UnsafeMutableRawBufferPointer) {
    var question = envcrypt_question_count()
    var readable = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
    while true {
      _ = poll(&readable, 1, -1)
      let asked = envcrypt_question_count()
      var byte: UInt8 = 0
      let status = Glibc.read(terminal, &byte, 1)
      if status < 0, [EINTR, EAGAIN].contains(errno) { continue }
      guard status > 0 else {
        end = .hangUp
        return
      }
      // If the question was asked again after the process was stopped, the line begins anew. A byte
      // that was read in between belongs to the old line.
      if asked != question {
        question = asked
        count = 0
      }
      guard envcrypt_question_count() == asked else { continue }
      switch byte {
      case 4, 10, 13:
        end = .complete
        return  // ^D, line feed, carriage return
      case 8, 127:  // backspace: a whole character of UTF-8
        while count > 0 {
          count -= 1
          if buffer[count] & 0xC0 != 0x80 { break }
        }
      case 21: count = 0  // ^U
      default:
        guard count < buffer.count - 1 else {
          end = .tooLong
          return
        }
        buffer[count] = byte
        count += 1
      }
    }
  }
}

/// A sink for plaintext that goes to a terminal. It passes text on and refuses binary data.
final class TerminalSink: ByteSink {
  private let sink: any ByteSink
  /// The beginning of a character that is not complete yet.
  private var partial: [UInt8] = []
  let discardsOnFailure = false

  init(_ sink: any ByteSink) { self.sink = sink }

  func write(_ bytes: RawSpan) throws {
    var pending = partial
    bytes.withUnsafeBytes { pending.append(contentsOf: $0) }
    var end = pending.count
    // At most three bytes of an incomplete character are kept for the next call.
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

  /// Throws if the plaintext ends inside a character.
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
