import ArgumentParser
import Envelope
import KMSKeystore
import KMSService
import SystemPackage

struct KeystoreRestoreCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Bring back the keystore from a backup, also on a new machine.",
    discussion: """
      Checks the backup as 'keystore check' does, and copies it with its audit log to the place of \
      the keystore. The backup's passphrase or key file opens it, before and after. The audit log \
      records the restore. If the audit log of the lost keystore is still there and goes further \
      than the one of the backup, it stays.

      An existing keystore is replaced only with --force, and only if the backup is one of the same \
      keystore. Keys and changes that are newer than the backup are lost then: back up the present \
      state first. Only the owner of both may do this.

      An escrow file of 'key export' is not a backup: 'init --import' makes a keystore from it.

      Examples:
        envcrypt keystore restore /mnt/usb/keystore.db
        envcrypt keystore restore /mnt/usb/keystore.db --keystore ./other.db
      """)

  @Argument(
    help: ArgumentHelp("The backup: a file that 'keystore backup' wrote.", valueName: "file"),
    completion: .file())
  var file: String

  @Flag(name: [.short, .long], help: "Replace the keystore that is there with the backup.")
  var force = false

  @Flag(name: [.short, .long], help: "Print only warnings and errors.")
  var quiet = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let console = keystore.console(isQuiet: quiet)
    let path = FilePath(argument: file)
    let result = try naming(path) {
      try service().restore(
        to: try keystore.path(), replacing: force, leftovers: Leftovers())
    }
    let place = Text.printable(result.path)
    for damage in result.check.damage { console.warning(damage.text) }
    console.note(
      "keystore \(place) restored: keys \(result.check.keys), versions \(result.check.versions)")
    console.warn(result.exposures, of: result.path)
    guard result.isRecorded else { throw Failure.unrecorded }
  }

  /// Returns the service of the backup. The backup is only read, and may have several names.
  private func service() throws -> KeyService {
    let place = FilePath(argument: file)
    let backup = try Keystore(copying: place)
    backup.leaveOpen()
    var listener = KeyServiceListener()
    listener.recordsWereLost = Console.warnOfLoss
    return try KeyService(
      KeyServiceHost(backup, secrets: try keystore.secrets(of: place), listener: listener))
  }

  /// Runs `body`, and gives its errors a text about a restore.
  private func naming<Value>(_ backup: FilePath, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as KeystoreRestoreError {
      throw Failure(error)
    } catch let error as KeystoreBackupError {
      throw Failure(restoring: error)
    } catch KeystoreError.missing(backup) {
      throw Failure(
        .configuration, "there is no backup at \(Text.printable(backup))",
        hint: "name the file that 'keystore backup' wrote")
    }
  }
}

extension Failure {
  init(_ error: KeystoreRestoreError) {
    switch error {
    case .exists(let path, let lost):
      let loss =
        switch lost {
        case nil: ", and it cannot be read"
        case 0: ""
        case let count?: ", with \(Text.count(count, "key version")) that the backup lacks"
        }
      self.init(
        .cannotCreate, "there is already a keystore at \(Text.printable(path))\(loss)",
        hint: "add --force to go back to the backup's state; before that, keep the present state: "
          + "envcrypt keystore backup FILE")
    case .damaged(let path, let damage):
      self.init(
        .configuration,
        "the backup \(Text.printable(path)) is damaged: "
          + damage.map(\.text).joined(separator: "; "),
        hint: "use another backup; if there is none, envcrypt keystore backup --keystore FILE "
          + "TARGET copies this one as it is")
    }
  }

  fileprivate init(restoring error: KeystoreBackupError) {
    self.init(error)
    switch error {
    case .exists: hint = "another process has just put it there: look at it, and try again"
    case .keystoreItself(let path):
      message = "\(Text.printable(path)) is the keystore that would be restored"
      hint = "name a backup, or the keystore's place with --keystore"
    case .notABackup(let path):
      message =
        "\(Text.printable(path)) is not a state of the keystore in the backup, and is not replaced"
      hint = "move it away, or name another place with --keystore"
    case .otherKeystore, .notARegularFile:
      hint = "move it away, or name another place with --keystore"
    }
  }
}
