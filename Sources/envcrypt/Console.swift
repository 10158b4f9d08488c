import Envelope
import Foundation
import Glibc
import KMSAPI
import Synchronization
import SystemPackage

/// Writes reports to standard output and messages to standard error. Plaintext and ciphertext are
/// not written here.
final class Console: Sendable {
  let isQuiet: Bool
  /// The progress bar is cleared before a message. Its next update draws it again.
  private let progress = Mutex<ProgressBar?>(nil)

  init(isQuiet: Bool = false) { self.isQuiet = isQuiet }

  /// Sets the progress bar that is cleared before messages.
  func show(_ bar: ProgressBar?) { progress.withLock { $0 = bar } }

  private func clearProgress() { progress.withLock { $0 }?.clear() }

  // The code that builds a text makes the names in it printable. This class makes every line
  // printable again, in case that was forgotten.

  /// Writes a report to standard output.
  func output(_ text: String) {
    Self.write(Text.printableLines(text) + "\n", to: STDOUT_FILENO)
  }

  /// Writes one line of the report of a run over files. If the line cannot be written, throws
  /// instead of ending the process: the completed work has to be recorded first.
  func report(_ text: String) throws {
    let reason = Self.attempt(Text.printableLines(text) + "\n", to: STDOUT_FILENO)
    if let reason { throw IOError(.write, "-", reason) }
  }

  /// Writes a report with colours. The caller has made its lines printable.
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

  /// Writes a hint that belongs to the messages before it.
  func hint(_ text: String) {
    clearProgress()
    Self.line("hint: \(text)")
  }

  /// Warns that the audit log does not have all records of this command.
  static let warnOfLoss: @Sendable (any Error) -> Void = { error in
    Console().warning("the audit log lacks records of this command: \(Failure(error).message)")
  }

  private static func line(_ text: String) {
    write("envcrypt: \(Text.printable(text))\n", to: STDERR_FILENO)
  }

  /// Writes a message that is useful for a person but not needed by a script.
  func note(_ message: String) {
    guard !isQuiet else { return }
    clearProgress()
    Self.line(message)
  }

  /// Writes a report as JSON, in the format of the KMS API. Leaves no copy of its secrets in
  /// memory.
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

  /// Ends the process if a report cannot be written. A message that cannot be written to standard
  /// error is ignored: there is no other place for it.
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

  /// Writes all of `bytes`; returns the error if that fails.
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
