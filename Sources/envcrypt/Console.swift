import Envelope
import Foundation
import Glibc
import Synchronization
import SystemPackage

/// Where reports and messages go. Data never passes here.
final class Console: Sendable {
  let isQuiet: Bool
  /// Cleared before a message, redrawn by its own next tick.
  private let progress = Mutex<ProgressBar?>(nil)

  init(isQuiet: Bool = false) { self.isQuiet = isQuiet }

  /// Messages make room for `bar` from now on.
  func show(_ bar: ProgressBar?) { progress.withLock { $0 = bar } }

  private func clearProgress() { progress.withLock { $0 }?.clear() }

  // Whoever makes a text sees to it that names in it are printable. Here no line comes through that
  // is not, should somebody have forgotten.

  /// A report, on standard output.
  func output(_ text: String) {
    Self.write(Text.printableLines(text) + "\n", to: STDOUT_FILENO)
  }

  /// One line of a report that a run over files makes. If it cannot be written, that ends the run, not the
  /// process: what was done has to be recorded first.
  func report(_ text: String) throws {
    let reason = Self.attempt(Text.printableLines(text) + "\n", to: STDOUT_FILENO)
    if let reason { throw IOError(.write, "-", reason) }
  }

  /// A report with colours, whose lines its maker has made printable.
  func output(coloured text: String) { Self.write(text + "\n", to: STDOUT_FILENO) }

  func error(_ message: String, hint: String?) {
    clearProgress()
    Self.line("error: \(message)")
    if let hint { Self.line("hint: \(hint)") }
  }

  func warning(_ message: String, hint: String? = nil) {
    clearProgress()
    Self.line("warning: \(message)")
    if let hint { Self.line("hint: \(hint)") }
  }

  /// A hint that helps with the messages before it.
  func hint(_ text: String) {
    clearProgress()
    Self.line("hint: \(text)")
  }

  /// Says that what a command has done with keys is not all in the audit log.
  static let warnOfLoss: @Sendable (any Error) -> Void = { error in
    Console().warning("the audit log lacks records of this command: \(Failure(error).message)")
  }

  private static func line(_ text: String) {
    write("envcrypt: \(Text.printable(text))\n", to: STDERR_FILENO)
  }

  /// What a person likes to know and a script does not need.
  func note(_ message: String) {
    guard !isQuiet else { return }
    clearProgress()
    Self.line(message)
  }

  /// A report as JSON, in the form of the KMS API. No copy of a secret in it stays behind.
  func json(_ value: some Encodable, keysAsTheyAre: Bool = false) throws {
    let text = try APICoding.bytes(of: value, keysAsTheyAre: keysAsTheyAre)
    text.withBytes { Self.write($0, to: STDOUT_FILENO) }
  }

  private static func write(_ text: String, to descriptor: Int32) {
    if let reason = attempt(text, to: descriptor) { fail(reason, of: descriptor) }
  }

  private static func write(_ bytes: RawSpan, to descriptor: Int32) {
    if let reason = attempt(bytes, to: descriptor) { fail(reason, of: descriptor) }
  }

  /// A report that cannot be written has not been made; a message has nowhere else to go.
  private static func fail(_ reason: Errno, of descriptor: Int32) {
    guard descriptor == STDOUT_FILENO else { return }
    if reason == .brokenPipe { Failure.dieOfBrokenPipe() }
    write("envcrypt: error: cannot write standard output\n", to: STDERR_FILENO)
    Glibc.exit(ExitStatus.ioError.rawValue)
  }

  private static func attempt(_ text: String, to descriptor: Int32) -> Errno? {
    var text = text
    return text.withUTF8 { attempt(RawSpan(_unsafeElements: $0), to: descriptor) }
  }

  /// Writes all of `bytes`; returns why that was not possible.
  private static func attempt(_ bytes: RawSpan, to descriptor: Int32) -> Errno? {
    bytes.withUnsafeBytes { bytes -> Errno? in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Glibc.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        if count <= 0 { return Errno(rawValue: errno) }
        rest = rest.dropFirst(count)
      }
      return nil
    }
  }
}
