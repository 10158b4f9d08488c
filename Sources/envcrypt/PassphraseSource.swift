import Envelope
import Glibc
import SystemPackage

/// Where passphrases come from: never from the command line, which others can read.
final class PassphraseSource: UnlockingSecrets {
  enum Origin {
    case file(FilePath)
    case descriptor(Int32)
    case command(String)
    case terminal
  }

  let keyFile: FilePath?
  private let origin: Origin
  private let prompt: String
  private var early: SecretBox?

  /// A passphrase on a descriptor is read at once: data may follow it there.
  init(origin: Origin, keyFile: FilePath?, prompt: String) throws {
    self.origin = origin
    self.keyFile = keyFile
    self.prompt = prompt
    if case .descriptor(let number) = origin {
      early = try Self.readLine(from: number, named: FilePath("file descriptor \(number)"))
    }
  }

  func passphrase() throws -> SecretBytes? {
    if case .terminal = origin { return try Terminal.askPassphrase("Passphrase for \(prompt): ") }
    return try read()
  }

  func hear(_ exposures: [KeystoreExposure], of path: FilePath) {
    Console().warn(exposures, of: path)
  }

  /// A passphrase for a new protector: typed twice where it is typed.
  func newPassphrase() throws -> SecretBytes {
    guard case .terminal = origin else {
      let passphrase = try read()
      guard passphrase.count > 0 else { throw KeystoreError.emptyPassphrase }
      return passphrase
    }
    guard let first = try Terminal.askPassphrase("New passphrase for \(prompt): ") else {
      throw Failure(
        .noPermission, "a new passphrase is needed, and there is no terminal to ask on",
        hint: "--passphrase-file, --passphrase-fd, or another --protector")
    }
    guard first.count > 0 else { throw KeystoreError.emptyPassphrase }
    guard let second = try Terminal.askPassphrase("The same again: ") else {
      throw KeystoreError.emptyPassphrase
    }
    guard SecretBytes.areEqual(first, second) else {
      throw Failure(.usage, "the two passphrases differ")
    }
    return first
  }

  /// The first line, without its end.
  private func read() throws -> SecretBytes {
    switch origin {
    case .file(let path):
      let number = path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC) }
      guard number >= 0 else { throw IOError(.openInput, path, Errno(rawValue: errno)) }
      defer { close(number) }
      return try Self.readLine(from: number, named: path).take()
    case .descriptor:
      return early!.take()
    case .command(let command):
      guard let stream = Self.start(command) else {
        throw Failure(.noPermission, "ENVCRYPT_PASSPHRASE_COMMAND cannot be run")
      }
      let line = Result { try Self.readLine(from: fileno(stream), named: "the passphrase command") }
      // What it may still want to write is read, or it would die of a closed pipe.
      var byte: UInt8 = 0
      while Glibc.read(fileno(stream), &byte, 1) > 0 {}
      guard pclose(stream) == 0 else {
        throw Failure(.noPermission, "ENVCRYPT_PASSPHRASE_COMMAND failed")
      }
      return try line.get().take()
    case .terminal:
      preconditionFailure("a terminal is asked, not read")
    }
  }

  /// Starts a command that no signal is kept from, whichever thread of ours asks.
  private static func start(_ command: String) -> UnsafeMutablePointer<FILE>? {
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    return popen(command, "re")
  }

  /// Byte by byte: what follows the line may be somebody else's data.
  private static func readLine(from number: Int32, named path: FilePath) throws -> SecretBox {
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
        if count > 0, buffer[count - 1] == UInt8(ascii: "\r") { count -= 1 }
      }
    }
    guard failure == 0 else { throw IOError(.openInput, path, Errno(rawValue: failure)) }
    guard count < Terminal.passphraseLimit else {
      throw Failure(.usage, "a passphrase has fewer than \(Terminal.passphraseLimit) bytes")
    }
    return SecretBox(bytes.prefix(count))
  }
}

/// Carries a secret out of a `Result`.
private final class SecretBox {
  private var bytes: SecretBytes?

  init(_ bytes: consuming SecretBytes) { self.bytes = consume bytes }

  func take() -> SecretBytes { bytes.take()! }
}
