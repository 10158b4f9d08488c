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
  /// The keystore that `--keystore` names, for the commands in hints; nil without that option.
  private let keystore: String?
  /// The warnings so far, if they are kept for a report.
  private let kept: Mutex<[String]?>

  init(isQuiet: Bool = false, keepingWarnings: Bool = false, keystore: String? = nil) {
    self.isQuiet = isQuiet
    self.keystore = keystore
    kept = Mutex(keepingWarnings ? [] : nil)
  }

  /// The warnings so far; empty unless they are kept.
  var keptWarnings: [String] { kept.withLock { $0 ?? [] } }

  // The code that builds a text makes the names in it printable. This class makes every line
  // printable again, in case that was forgotten.

  /// Writes a report to standard output.
  func output(_ text: String) {
    Self.write(Text.printableLines(text) + "\n", to: STDOUT_FILENO)
  }

  /// Writes one line of the report of a run over files. If the line cannot be written, throws
  /// instead of ending the process: the completed work has to be recorded first.
  func report(_ text: String) throws {
    if Self.isOutputTerminal { ProgressBar.clear() }
    let reason = Self.attempt(Text.printableLines(text) + "\n", to: STDOUT_FILENO)
    if let reason { throw IOError(.write, "-", reason) }
  }

  /// Does the same for bytes as they are: JSON, and names that end in a zero.
  static func writeReport(_ bytes: RawSpan) throws {
    if isOutputTerminal { ProgressBar.clear() }
    if let reason = attempt(bytes, to: STDOUT_FILENO) { throw IOError(.write, "-", reason) }
  }

  private static let isOutputTerminal = isatty(STDOUT_FILENO) == 1

  /// Writes the name of a file as it is, and a zero after it, for `xargs -0`.
  func reportName(_ path: FilePath) throws {
    let bytes = path.withPlatformString { ArgumentBytes.bytes(at: $0) } + [0]
    try Self.writeReport(bytes.span.bytes)
  }

  /// Writes a report with colours. The caller has made its lines printable.
  func output(coloured text: String) { Self.write(text + "\n", to: STDOUT_FILENO) }

  func error(_ message: String, hint: String?) {
    Self.line("error: \(message)")
    if let hint { self.hint(hint) }
  }

  func warning(_ message: String, hint: String? = nil) {
    kept.withLock { $0?.append(message) }
    warningOfFile(message, hint: hint)
  }

  /// Writes a warning of one file, which has a line of its own in a report.
  func warningOfFile(_ message: String, hint: String? = nil) {
    Self.line("warning: \(message)")
    if let hint { self.hint(hint) }
  }

  /// Writes a hint that belongs to the messages before it.
  func hint(_ text: String) {
    Self.line("hint: \(PastedHint.text(text, option: keystore))")
  }

  /// Warns that the audit log does not have all records of this command.
  static let warnOfLoss: @Sendable (any Error) -> Void = { error in
    Console().warning("the audit log lacks records of this command: \(Failure(error).message)")
  }

  private static func line(_ text: String) {
    ProgressBar.clear()
    write("envcrypt: \(Text.printable(text))\n", to: STDERR_FILENO)
  }

  /// Writes a message that is useful for a person but not needed by a script.
  func note(_ message: String) {
    guard !isQuiet else { return }
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
