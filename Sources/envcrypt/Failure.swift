import Envelope
import Glibc
import KMSAPI
import KMSKeystore
import KMSPolicy
import KMSTemplates
import SystemPackage

/// An error in the form that a person reads. This is the only place where errors become text.
struct Failure: Error {
  var message: String
  var hint: String?
  let status: ExitStatus
  /// True if the reader of standard output closed the pipe: the process writes no message and dies
  /// of SIGPIPE.
  var isBrokenPipe = false
  /// The file that the message names; nil if it names none.
  var file: FilePath?

  init(_ status: ExitStatus, _ message: String, hint: String? = nil) {
    self.status = status
    self.message = message
    self.hint = hint
  }

  /// Converts a message of the argument parser to the form of our messages. `help` is the command
  /// line that explains the command.
  init(parserMessage: String, help: String) {
    let text =
      parserMessage.hasPrefix("Error: ") ? String(parserMessage.dropFirst(7)) : parserMessage
    let lines = text.split(separator: "\n")
    var line = Text.printable(String(lines.first ?? "wrong usage"))
    // The parser lists more than a few allowed values below the message, one on each line.
    if line.hasSuffix(":") {
      let values = lines.dropFirst().prefix { $0.hasPrefix("  - ") }.map {
        Text.printable(String($0.dropFirst(4)))
      }
      line += " " + values.joined(separator: ", ")
    }
    if line.hasSuffix(".") { line.removeLast() }
    if let first = line.first, first.isUppercase { line = first.lowercased() + line.dropFirst() }
    line = line.replacing(". Did you mean", with: "; did you mean")
    self.init(.usage, line, hint: "\(help) shows what the command takes")
  }

  /// Writes the message and exits.
  func end(on console: Console) -> Never {
    if isBrokenPipe { Self.dieOfBrokenPipe() }
    console.error(message, hint: hint)
    Glibc.exit(status.rawValue)
  }

  static func dieOfBrokenPipe() -> Never {
    signal(SIGPIPE, SIG_DFL)
    raise(SIGPIPE)
    Glibc.exit(ExitStatus.ioError.rawValue)
  }

  /// Returns the failure with the name of its file before the message.
  func about(_ name: String?) -> Failure {
    guard let name else { return self }
    var failure = self
    failure.message = "\(name): \(message)"
    return failure
  }

  /// Returns the failure with the name of its input before the message, unless that is standard
  /// input.
  func about(of input: FilePath) -> Failure {
    about(input == "-" ? nil : Text.printable(input))
  }

  /// Returns the failure with the file that its message names.
  func withFile(_ file: FilePath) -> Failure {
    var failure = self
    failure.file = file
    return failure
  }

  /// True if the message names `input`, or a file whose path contains its path, for example its
  /// output.
  func names(_ input: FilePath) -> Bool {
    guard let file else { return false }
    let separators = Set("/.".utf8)
    let path = Array(file.argument.utf8)
    let part = Array(input.argument.utf8)
    guard !part.isEmpty, path.count >= part.count else { return false }
    return (0...path.count - part.count).contains { start in
      let end = start + part.count
      return path[start..<end].elementsEqual(part)
        && (start == 0 || part[0] == UInt8(ascii: "/") || path[start - 1] == UInt8(ascii: "/"))
        && (end == path.count || separators.contains(path[end]))
    }
  }
}

extension Failure {
  init(_ error: any Error) {
    switch error {
    case let error as Failure: self = error
    case let error as IOError: self.init(error)
    case let error as FileRuleError: self.init(error)
    case let error as RemovalError: self.init(error)
    case let error as InputKeptError: self.init(error)
    case let error as OutOfMemoryError: self.init(error)
    case let error as MessageError: self.init(error)
    case let error as DecryptionPolicyError: self.init(error)
    case let error as MessageRangeError: self.init(error)
    case let error as NoMatchingKeyError: self.init(error)
    case let error as KeysNotKeptError: self.init(error)
    case SchedulerError.noThread:
      self.init(
        .systemError, "the system allows no more threads", hint: "ulimit -u shows the limit")
    case let error as KeyringError: self.init(error)
    case let error as KeystoreError: self.init(error)
    case let error as KeystoreFileError: self.init(error)
    case let error as KeystoreBackupError: self.init(error)
    case let error as KeyServiceError: self.init(error)
    case let error as PolicyError: self.init(error)
    case let error as AuditError: self.init(error)
    case let error as UnrecordedError: self.init(error)
    case let error as CryptoError: self.init(error)
    case let error as KMSArgumentError: self.init(error)
    case let error as TemplateError: self.init(error)
    default: self.init(.software, "unexpected failure: \(Text.printable("\(error)"))")
    }
  }

  private init(_ error: OutOfMemoryError) {
    let needed = error.count.map { ": \(Text.size(Int64($0))) are needed at once" } ?? ""
    self.init(
      .systemError, "out of memory\(needed)",
      hint: "'ulimit -v' shows the limit of a process; a passphrase and large frames need the most")
  }
}

extension Text {
  /// Returns the path quoted for a shell, for a command in a hint.
  static func shellQuoted(_ path: FilePath) -> String {
    let text = printable(path)
    let plain = text.allSatisfy { $0.isLetter || $0.isNumber || "/._-+=:,@%".contains($0) }
    return plain ? text : "'\(text.replacing("'", with: "'\\''"))'"
  }
}
