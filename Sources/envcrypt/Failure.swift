import Envelope
import Glibc
import KMSAPI
import KMSKeystore
import KMSPolicy
import KMSTemplates
import SystemPackage

/// The exit statuses of the tool: those of `sysexits.h` that are used, and 3.
enum ExitStatus: Int32 {
  /// As in restic: the work is done, but an input changed while it was read.
  case inputChanged = 3
  case usage = 64
  case dataError = 65
  case noInput = 66
  case unavailable = 69
  case software = 70
  /// EX_OSERR: the system does not provide more memory, threads or processes. CProcess defines the
  /// same number.
  case systemError = 71
  case cannotCreate = 73
  case ioError = 74
  /// EX_TEMPFAIL: nothing was done, because DryRun was set.
  case dryRun = 75
  case noPermission = 77
  case configuration = 78
}

/// An error in the form that a person reads. This is the only place where errors become text.
struct Failure: Error {
  var message: String
  var hint: String?
  let status: ExitStatus
  /// True if the reader of standard output closed the pipe: the process writes no message and dies
  /// of SIGPIPE.
  var isBrokenPipe = false

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
}

extension Failure {
  init(_ error: any Error) {
    switch error {
    case let error as Failure: self = error
    case let error as IOError: self.init(error)
    case let error as FileRuleError: self.init(error)
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
    case AuditError.damaged(let damage):
      self.init(
        .configuration,
        "the audit log is damaged: " + damage.map(\.text).joined(separator: "; "),
        hint: "envcrypt keystore check")
    case AuditError.locked(let path):
      self.init(
        .ioError, "\(Text.printable(path)) is locked by another process",
        hint: "that process writes to the audit log or holds its lock: try again when it has ended")
    case AuditError.notAFile(let path):
      self.init(
        .configuration, "\(Text.printable(path)) is not a regular file",
        hint: "move it away; the audit log continues in a new file, and shows what is missing")
    case AuditError.foreign(let path, let fault):
      self.init(
        .configuration, "\(Text.printable(path)) \(fault.text)",
        hint: "look at it and move it away; the audit log continues in a new file, and shows "
          + "what is missing")
    case let error as UnrecordedError: self.init(error)
    case let error as CryptoError: self.init(error)
    case let error as KMSArgumentError: self.init(error)
    case let error as TemplateError: self.init(error)
    default: self.init(.software, "unexpected failure: \(Text.printable("\(error)"))")
    }
  }

  static func noKeystoreToDecrypt(_ path: FilePath) -> Failure {
    var failure = Failure(KeystoreError.missing(path))
    failure.hint =
      "name the keystore with --keystore or ENVCRYPT_KEYSTORE, or use an exported key: --keyring FILE"
    return failure
  }

  /// The failure of a command that has done its work but could not record all of it. The reason was
  /// written when it occurred.
  static var unrecorded: Failure {
    Failure(
      .ioError,
      "the work is done and its output is kept, but the audit log does not have all of it",
      hint: "envcrypt keystore require-audit on makes envcrypt refuse such work")
  }

  private init(_ error: UnrecordedError) {
    let reason = Failure(error.reason)
    self.init(
      .ioError,
      "the keystore requires an audit record of each use of a key, and it cannot be written: "
        + reason.message,
      hint: reason.hint ?? "there is no output; docs/keystore.md says what the audit log needs")
  }

  private init(_ error: OutOfMemoryError) {
    let needed = error.count.map { ": \(Text.size(Int64($0))) are needed at once" } ?? ""
    self.init(
      .systemError, "out of memory\(needed)",
      hint: "'ulimit -v' shows the limit of a process; a passphrase and large frames need the most")
  }

  private init(_ error: MessageError) {
    switch error {
    case .truncated:
      self.init(
        .dataError, "truncated: the input ends before the message does",
        hint: "the rest is missing; get the whole file again")
    case .notAMessage(.empty):
      self.init(.dataError, "not a message: the input is empty")
    case .notAMessage(.base64):
      self.init(
        .dataError, "not a message, but the base64 of one",
        hint: "base64 -d FILE | envcrypt decrypt")
    case .notAMessage(.other):
      self.init(.dataError, "not a message: it does not begin with the version byte 1 or 2")
    case .unsupportedVersion(let version):
      self.init(
        .dataError, "message format version \(version) is not supported, only 1 and 2",
        hint: "a later envcrypt may read it; this is \(Envcrypt.version)")
    case .unsupportedType(let type):
      self.init(.dataError, "message type 0x\(String(type, radix: 16)) is not supported, only 0x80")
    case .unknownSuite(let suite):
      let digits = String(suite, radix: 16)
      self.init(
        .dataError,
        "unknown algorithm suite 0x\(String(repeating: "0", count: 4 - digits.count))\(digits)",
        hint: "a later envcrypt may read it; this is \(Envcrypt.version)")
    case .malformed(let what):
      self.init(.dataError, "malformed message: \(Text.printable(what))")
    case .tooManyEncryptedDataKeys(let found, let limit):
      self.init(
        .dataError, "the message has \(found) encrypted data keys, more than the limit of \(limit)",
        hint: "add --max-encrypted-data-keys \(found) if you trust the sender")
    case .headerTooLong(let limit):
      self.init(.dataError, "the message's header is longer than \(Text.size(Int64(limit)))")
    case .frameLengthOutOfRange(let found):
      self.init(
        .dataError,
        "frame length \(found) is out of range: \(FrameLength.range.lowerBound) to "
          + "\(FrameLength.range.upperBound) bytes")
    case .tooManyFrames:
      self.init(
        .dataError, "the input needs more frames than a message can have",
        hint: "choose a larger --frame-length")
    case .nonFramedBodyTooLarge(let length, let limit):
      self.init(
        .dataError,
        "a non-framed message of \(Text.size(Int64(clamping: length))) cannot be decrypted into a "
          + "pipe: more than \(Text.size(Int64(limit))) must be held in memory until verified",
        hint: "decrypt it to a file with -o FILE")
    case .trailingData:
      self.init(.dataError, "there is more data after the end of the message")
    case .malformedArmor(let what):
      self.init(.dataError, "malformed armor: \(Text.printable(what))")
    }
  }

  private init(_ error: DecryptionPolicyError) {
    switch error {
    case .notCommitting(let suite):
      self.init(
        .dataError, "the message's suite \(suite.name) does not commit to its key",
        hint: "add --commitment-policy require-encrypt-allow-decrypt to read such messages")
    case .signed(let suite):
      self.init(
        .dataError, "the message is signed (\(suite.name)), and --unsigned-only is set",
        hint: "leave out --unsigned-only")
    case .contextMismatch(let key, let expected, let found):
      let was = found.map { "'\(Text.printable($0))'" } ?? "missing"
      self.init(
        .dataError,
        "wrong encryption context: '\(Text.printable(key))' should be "
          + "'\(Text.printable(expected))' but is \(was)",
        hint: "envcrypt inspect FILE shows the message's context")
    }
  }

  private init(_ error: MessageRangeError) {
    self.init(error, cut: "tail -c +N | head -c LENGTH")
  }

  /// The failure to decrypt a part of a message. `cut` is the pipe that cuts the part out of the
  /// whole plaintext.
  init(_ error: MessageRangeError, cut: String) {
    switch error {
    case .notSeekable:
      self.init(
        .usage, "only a message in a regular file can be decrypted in part",
        hint: "name the file, or decrypt all of it: envcrypt decrypt | \(cut)")
    case .armored:
      self.init(
        .usage, "a message in armor cannot be decrypted in part",
        hint: "decrypt all of it: envcrypt decrypt -o - FILE | \(cut)")
    case .notFramed:
      self.init(
        .usage, "a non-framed message cannot be decrypted in part: one tag covers all of it",
        hint: "decrypt all of it: envcrypt decrypt -o - FILE | \(cut)")
    case .signed:
      self.init(
        .dataError,
        "the message is signed, and a part of it is not enough to verify the signature",
        hint: "add --ignore-signature to rely on the authentication of the frames")
    }
  }

  private init(_ error: NoMatchingKeyError) {
    let wanted = error.wanted.map {
      "\(Text.printable($0.providerID)) \(Text.printable($0.keyName))"
    }
    let offered = error.offered.map(Text.printable)
    self.init(
      .unavailable,
      "no key opens the message; it needs one of: \(wanted.joined(separator: ", ")); available: "
        + (offered.isEmpty ? "none" : offered.joined(separator: ", ")),
      hint: "envcrypt inspect FILE shows the message's keys; --keyring FILE adds a key")
  }

  private init(_ error: KeyringError) {
    switch error {
    case .readOnlyPadding(let name):
      self.init(
        .usage,
        "key '\(Text.printable(name))' has PKCS #1 v1.5 padding, which is for decryption only",
        hint: "use oaep-mgf1 with sha256 in the keyring file")
    case .malformedFile(let what):
      self.init(.configuration, "not a keyring file: \(Text.printable(what))")
    }
  }

  private init(_ error: CryptoError) {
    switch error {
    case .authenticationFailed:
      self.init(
        .dataError, "not authentic: the message was altered, or damaged",
        hint: "get the file again from an intact copy")
    case .invalidKey(let what): self.init(.configuration, "unusable key: \(Text.printable(what))")
    case .privateKey(let what):
      self.init(
        .configuration, "unusable key: \(Text.printable(what))",
        hint: "openssl pkey -in FILE -pubout (or ssh-keygen -y -f FILE) writes its public key")
    case .outOfMemory(let count): self.init(OutOfMemoryError(count: count))
    case .libcrypto(let operation, let reasons):
      self.init(
        .software,
        "\(operation) failed: \(reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; "))"
      )
    }
  }

  private init(_ error: KeystoreError) {
    switch error {
    case .missing(let path):
      self.init(
        .configuration, "there is no keystore at \(Text.printable(path))",
        hint: "if it is elsewhere, name it with --keystore; envcrypt init makes a new one")
    case .exists(let path):
      self.init(
        .cannotCreate, "there is already a keystore at \(Text.printable(path))",
        hint: "envcrypt keystore status shows what is in it; --keystore names another place")
    case .loosePermissions(let path, let permissions):
      self.init(
        .configuration,
        "others may read or write the keystore \(Text.printable(path)) (mode "
          + "0\(String(permissions, radix: 8)), wanted 0600)",
        hint: "chmod 600 -- \(Text.shellQuoted(path)); docs/keystore.md says how a group shares one"
      )
    case .notAKeystore(let path, let what):
      self.init(.configuration, "\(Text.printable(path)) is not a keystore: \(what)")
    case .tooNew(let path):
      self.init(
        .configuration, "the keystore \(Text.printable(path)) was written by a later envcrypt",
        hint: "use that version; this is \(Envcrypt.version)")
    case .editedRecord(let record):
      self.init(
        .configuration,
        "the keystore was edited or damaged: \(Text.printable(record)) is not as envcrypt last wrote it",
        hint:
          "'envcrypt keystore check' names all that is wrong; restore the keystore from a backup")
    case .unstorableText(let record):
      self.init(
        .usage,
        "\(Text.printable(record)): text cannot contain a NUL character, or more than 63 MiB")
    case .database(let path, let what):
      self.init(.configuration, "keystore \(Text.printable(path)): \(Text.printable(what))")
    case .ioFailure(let path):
      self.init(
        .ioError, "the keystore \(Text.printable(path)) cannot be read or written: I/O error",
        hint: "look for disk errors or a quota that is used up, then: envcrypt keystore check")
    case .unreadable(let path):
      self.init(
        .configuration,
        "the keystore \(Text.printable(path)) is damaged, or its disk cannot be read",
        hint: "look for disk errors; if there are none, restore the keystore from a backup")
    case .replaced(let path):
      self.init(
        .configuration,
        "the keystore \(Text.printable(path)) was moved, removed or replaced while it was in use",
        hint: "run the command again; it takes the keystore that is there then")
    case .busy(let path):
      self.init(
        .configuration, "the keystore \(Text.printable(path)) is in use by another process",
        hint: "try again when it is done")
    case .readOnly(let path):
      self.init(.cannotCreate, "the keystore \(Text.printable(path)) cannot be written")
    case .journal(let path):
      self.init(
        .cannotCreate,
        path.string.hasSuffix("-journal")
          ? "there is a journal \(Text.printable(path)), which SQLite would apply to the new keystore"
          : "there is \(Text.printable(path)), which SQLite would use with the new keystore",
        hint: "it belongs to a keystore that was removed or is in use: move it away")
    case .foreignLog(let path):
      self.init(
        .cannotCreate,
        "there is \(Text.printable(path)), which is not an audit log and is not replaced",
        hint: "move it away, or name another file for the keystore")
    case .locked(reasons: []):
      self.init(
        .configuration, "the keystore has no protector that could unlock it",
        hint: "restore the keystore from a backup")
    case .locked(let reasons):
      self.init(
        .noPermission, "the keystore is locked: \(Text.printable(reasons.joined(separator: "; ")))",
        hint: "give --passphrase-file, --passphrase-fd, ENVCRYPT_PASSPHRASE_COMMAND or --key-file")
    case .wrongPassphrase:
      self.init(.noPermission, "wrong passphrase")
    case .wrongKeyFile(let path):
      self.init(.noPermission, "key file \(Text.printable(path)) does not open the keystore")
    case .unusableKeyFile(let path, let what):
      self.init(.noPermission, "key file \(Text.printable(path)): \(what)")
    case .tooManyProtectors(let limit):
      self.init(
        .configuration, "the keystore has more than \(limit) protectors, so none is tried",
        hint: "restore the keystore from a backup")
    case .costlyProtector(let id):
      self.init(
        .configuration,
        "the keystore was edited or damaged: protector \(Text.printable(id)) would take more memory "
          + "or time than envcrypt spends on a passphrase",
        hint: "restore the keystore from a backup")
    case .costlyProtectors:
      self.init(
        .configuration,
        "the keystore was edited or damaged: its passphrase protectors together would take more time "
          + "than envcrypt spends on a passphrase",
        hint: "restore the keystore from a backup")
    case .noProtector(let id):
      self.init(
        .usage, "there is no protector '\(Text.printable(id))'",
        hint: "envcrypt keystore protector list")
    case .lastProtector(let id):
      self.init(
        .usage, "protector '\(Text.printable(id))' is the only one and cannot be removed",
        hint: "add another with: envcrypt keystore protector add passphrase")
    }
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
