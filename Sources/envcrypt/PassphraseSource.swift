import Envelope
import Glibc
import KMSKeystore
import Synchronization
import SystemPackage

/// A source of passphrases: never the command line, which others can read.
final class PassphraseSource: UnlockingSecrets {
  enum Origin: Sendable {
    case file(FilePath)
    case descriptor(Int32)
    /// A shell command, and its name in messages.
    case command(String, name: String)
    case terminal
  }

  let keyFile: FilePath?
  private let origin: Origin
  private let prompt: String
  private let console: Console
  /// The passphrase that was on a descriptor.
  private let early: SecretBox?
  private let asking = Mutex(Asking())

  private struct Asking {
    /// Runs before a person is asked.
    var check: (@Sendable () throws -> Void)?
    /// The number of wrong passphrases that were typed.
    var mistakes = 0
  }

  /// How often a passphrase may be typed.
  private static let tries = 3

  /// Reads a passphrase on a descriptor at once: data may follow it there.
  init(origin: Origin, keyFile: FilePath?, prompt: String, console: Console) throws {
    self.origin = origin
    self.keyFile = keyFile
    self.prompt = prompt
    self.console = console
    if case .descriptor(let number) = origin {
      early = SecretBox(try Self.readLine(from: number, Self.path(ofDescriptor: number)))
    } else {
      early = nil
    }
  }

  /// Sets a check that runs before a person is asked, or a command that may ask one. If it throws,
  /// nobody is asked.
  func beforeAsking(_ check: (@Sendable () throws -> Void)?) {
    asking.withLock { $0.check = check }
  }

  /// True for a command too, which may ask a person.
  var mayAsk: Bool {
    switch origin {
    case .terminal, .command: true
    case .file, .descriptor: false
    }
  }

  func passphrase() throws -> SecretBytes? {
    switch origin {
    case .terminal:
      try check()
      return try ProgressBar.pausing { try typed() }
    case .command:
      try check()
      return try ProgressBar.pausing { try readPassphrase() }
    default: return try readPassphrase()
    }
  }

  private func check() throws {
    let check = asking.withLock { asking in
      defer { asking.check = nil }
      return asking.check
    }
    try check?()
  }

  func canTryAgain() -> Bool {
    guard case .terminal = origin else { return false }
    return asking.withLock { asking in
      asking.mistakes += 1
      if asking.mistakes < Self.tries { return true }
      asking.mistakes = 0
      return false
    }
  }

  private func typed() throws -> SecretBytes? {
    let isAgain = asking.withLock { $0.mistakes > 0 }
    let question = (isAgain ? "Wrong passphrase, try again.\n" : "") + "Passphrase for \(prompt): "
    guard let typed = try Terminal.askPassphrase(question) else { return nil }
    guard typed.count > 0 else { throw empty(.noPermission) }
    return typed
  }

  private func readPassphrase() throws -> SecretBytes {
    let passphrase = try read()
    guard passphrase.count > 0 else { throw empty(.noPermission) }
    return passphrase
  }

  func hear(_ exposures: [KeystoreExposure], of path: FilePath) {
    console.warn(exposures, of: path)
  }

  /// Returns a passphrase for a new protector. A passphrase from the terminal is typed twice.
  func newPassphrase(hint: String = "envcrypt keystore passwd changes it") throws -> SecretBytes {
    let passphrase: SecretBytes
    if case .terminal = origin {
      passphrase = try typeTwice()
    } else {
      if case .file(let path) = origin { try Self.refuseNoPassphrase(path) }
      passphrase = try read()
    }
    guard passphrase.count > 0 else { throw empty(.usage) }
    if Self.characterCount(passphrase) < Self.fewCharacters {
      console.warning(
        "the passphrase has fewer than \(Self.fewCharacters) characters: it is easy to guess",
        hint: hint)
    }
    return passphrase
  }

  /// Throws if the file is a message, or a file of a keystore, which changes.
  private static func refuseNoPassphrase(_ path: FilePath) throws {
    guard try FileStatus.at(path)?.kind == .regular else { return }
    try SmallFile.refuse(
      try NoKeyMaterial.of(try Descriptor.openInput(path, waiting: false)), at: path,
      as: "a passphrase")
  }

  private func typeTwice() throws -> SecretBytes {
    guard let first = try Terminal.askPassphrase("New passphrase for \(prompt): ") else {
      throw Failure(
        .noPermission, "a new passphrase is needed, and there is no terminal to ask on",
        hint: "init takes --passphrase-file, --passphrase-fd and ENVCRYPT_PASSPHRASE_COMMAND; "
          + "protector add and passwd take --new-passphrase-file; "
          + "key export takes --escrow-passphrase-file")
    }
    guard first.count > 0 else { throw empty(.usage) }
    guard let second = try Terminal.askPassphrase("Repeat the passphrase: ") else {
      throw empty(.usage)
    }
    guard SecretBytes.areEqual(first, second) else {
      throw Failure(.usage, "the two passphrases differ")
    }
    return first
  }

  /// The user is warned of a passphrase with fewer characters.
  private static let fewCharacters = 8

  /// Returns the number of Unicode code points. Makes no copy: counts every byte of the UTF-8
  /// except continuation bytes.
  private static func characterCount(_ passphrase: borrowing SecretBytes) -> Int {
    passphrase.withBytes { bytes in
      (0..<bytes.byteCount).count {
        bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) & 0xC0 != 0x80
      }
    }
  }

  private func empty(_ status: ExitStatus) -> Failure {
    let reason =
      switch origin {
      case .file(let path): "the first line of \(Text.printable(path)) is empty"
      case .descriptor(let number): "the first line of file descriptor \(number) is empty"
      case .command(_, let name): "the first line that \(name) prints is empty"
      case .terminal: "nothing was typed"
      }
    return Failure(status, "no passphrase given: \(reason)")
  }

  static var tooLong: Failure {
    Failure(.usage, "a passphrase must have fewer than \(Terminal.passphraseLimit) bytes")
  }

  /// Returns the first line, without its line ending.
  private func read() throws -> SecretBytes {
    switch origin {
    case .file(let path):
      let number = path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC | O_NOCTTY) }
      guard number >= 0 else { throw IOError(.openInput, path, Errno(rawValue: errno)) }
      defer { close(number) }
      return try Self.readLine(from: number, path)
    case .descriptor:
      return early!.take()
    case .command(let command, let name):
      return try PassphraseCommand(command, name: name).firstLine()
    case .terminal:
      preconditionFailure("a terminal is asked, not read")
    }
  }

  private static func path(ofDescriptor number: Int32) -> FilePath {
    FilePath("/dev/fd/\(number)")
  }

  /// Reads one byte at a time: the data after the line may be for another reader.
  private static func readLine(from number: Int32, _ path: FilePath) throws -> SecretBytes {
    try FileStatus.of(descriptor: number, path).requirePrivate(path)
    var count = 0
    var failure: Int32 = 0
    let bytes = SecretBytes(count: Terminal.passphraseLimit) { span in
      span.withUnsafeMutableBytes { buffer in
        while count < buffer.count {
          let status = Glibc.read(number, buffer.baseAddress! + count, 1)
          if status < 0, errno == EINTR { continue }
          if status < 0 { failure = errno }
          if status <= 0 || buffer[count] == UInt8(ascii: "\n") { break }
          count += 1
        }
      }
    }
    guard failure == 0 else { throw IOError(.openInput, path, Errno(rawValue: failure)) }
    guard count < Terminal.passphraseLimit else { throw tooLong.about(Text.printable(path)) }
    return try line(bytes, count: count)
  }

  /// Returns the passphrase in a line of `count` bytes without its line feed. Removes a carriage
  /// return at the end.
  static func line(_ bytes: borrowing SecretBytes, count: Int) throws -> SecretBytes {
    guard count < Terminal.passphraseLimit else { throw tooLong }
    let line = bytes.prefix(count)
    let endsInReturn = line.withBytes { bytes in
      count > 0
        && bytes.unsafeLoad(fromByteOffset: count - 1, as: UInt8.self) == UInt8(ascii: "\r")
    }
    return endsInReturn ? line.prefix(count - 1) : line
  }
}

/// Wraps a secret in a class.
private final class SecretBox: Sendable {
  private let bytes: Mutex<SecretBytes?>

  init(_ bytes: consuming SecretBytes) { self.bytes = Mutex(consume bytes) }

  /// Hands the secret out, once.
  func take() -> SecretBytes { bytes.withLock { $0.take()! } }
}
