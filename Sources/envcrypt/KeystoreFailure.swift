import KMSKeystore
import SystemPackage

/// The text of the errors of a keystore and its audit log.
extension Failure {
  init(_ error: KeystoreError) {
    switch error {
    case .missing(let path):
      self.init(
        .configuration,
        "there is no keystore at \(Text.printable(path))" + Self.namedBySetting(path),
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
    case .locked(let path, reasons: []):
      self.init(
        .configuration,
        "the keystore \(Text.printable(path)) has no protector that could unlock it",
        hint: "restore the keystore from a backup")
    case .locked(let path, let reasons):
      self.init(
        .noPermission,
        "the keystore \(Text.printable(path)) is locked: "
          + Text.printable(reasons.joined(separator: "; ")),
        hint: "give --passphrase-file, --passphrase-fd, ENVCRYPT_PASSPHRASE_COMMAND or --key-file")
    case .wrongPassphrase(let path):
      self.init(.noPermission, "wrong passphrase for the keystore \(Text.printable(path))")
    case .wrongKeyFile(let file, let path):
      self.init(
        .noPermission,
        "key file \(Text.printable(file)) does not open the keystore \(Text.printable(path))")
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

  /// The failure of a command that has done its work but could not record all of it. The reason was
  /// written when it occurred.
  static var unrecorded: Failure {
    Failure(
      .ioError,
      "the work is done and its output is kept, but the audit log does not have all of it",
      hint: "envcrypt keystore require-audit on makes envcrypt refuse such work")
  }

  /// Says which variable or file names this keystore; nothing if none does.
  private static func namedBySetting(_ path: FilePath) -> String {
    guard let setting = try? Settings.current.keystore(option: nil), setting.value == path,
      setting.source.isSetting
    else { return "" }
    return " (named by \(setting.source.text))"
  }

  static func noKeystoreToDecrypt(_ path: FilePath) -> Failure {
    var failure = Failure(KeystoreError.missing(path))
    failure.hint =
      "name the keystore with --keystore or ENVCRYPT_KEYSTORE, or use an exported key: --keyring FILE"
    return failure
  }

  init(_ error: AuditError) {
    switch error {
    case .damaged(let damage):
      self.init(
        .configuration,
        "the audit log is damaged: " + damage.map(\.text).joined(separator: "; "),
        hint: "envcrypt keystore check")
    case .locked(let path):
      self.init(
        .ioError, "\(Text.printable(path)) is locked by another process",
        hint: "that process writes to the audit log or holds its lock: try again when it has ended")
    case .notAFile(let path):
      self.init(
        .configuration, "\(Text.printable(path)) is not a regular file",
        hint: "move it away; the audit log continues in a new file, and shows what is missing")
    case .foreign(let path, let fault):
      self.init(
        .configuration, "\(Text.printable(path)) \(fault.text)",
        hint: "look at it and move it away; the audit log continues in a new file, and shows "
          + "what is missing")
    }
  }

  init(_ error: UnrecordedError) {
    let reason = Failure(error.reason)
    self.init(
      .ioError,
      "the keystore requires an audit record of each use of a key, and it cannot be written: "
        + reason.message,
      hint: reason.hint ?? "there is no output; docs/keystore.md says what the audit log needs")
  }
}
