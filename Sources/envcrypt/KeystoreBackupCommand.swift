import ArgumentParser
import Envelope
import KMSKeystore
import SystemPackage

struct KeystoreBackupCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy the keystore, with its audit log, while others use it.",
    discussion: """
      The copy is the keystore at one moment, even if others write to it meanwhile; a copy made \
      with cp may be inconsistent. The copy appears after it is complete, checked and synced to \
      disk, with its audit log beside it as FILE-audit. Nothing is unlocked: the copy has the same \
      protectors. Only the keystore's owner may make a backup.

      An existing file is replaced only with --force, and only if it is empty or a backup of the \
      same keystore.

      Examples:
        envcrypt keystore backup /mnt/usb/keystore.db
        envcrypt keystore backup -f /mnt/usb/keystore.db
        envcrypt keystore check --keystore /mnt/usb/keystore.db
        envcrypt decrypt a.envc --keystore /mnt/usb/keystore.db

      To restore it, also on a new machine:
        envcrypt keystore restore /mnt/usb/keystore.db
      """)

  @Argument(
    help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
  var file: String

  @Flag(name: [.short, .long], help: "Replace an older backup of the same keystore.")
  var force = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let path = FilePath(argument: file)
    guard path != "-" else {
      throw Failure(
        .usage, "a backup is a file, and cannot be written to standard output", hint: "name a file")
    }
    let exposures = try keystore.serviceToCopy().backup(
      to: path, replacing: force, leftovers: Leftovers())
    keystore.console().warn(exposures, of: path)
  }
}

extension Failure {
  init(_ error: KeystoreBackupError) {
    switch error {
    case .exists(let path):
      self.init(
        .cannotCreate, "\(Text.printable(path)) exists already",
        hint: "add --force to replace an older backup of this keystore, or name another file")
    case .keystoreItself(let path):
      self.init(
        .usage, "\(Text.printable(path)) is the keystore itself", hint: "name another file")
    case .otherKeystore(let path, let id):
      self.init(
        .cannotCreate,
        "\(Text.printable(path)) is another keystore (\(Text.printable(id))), and is not replaced",
        hint: "name another file, or move that one away")
    case .notABackup(let path):
      self.init(
        .cannotCreate,
        "\(Text.printable(path)) is not a backup of this keystore, and is not replaced",
        hint: "name another file, or move that one away")
    case .notARegularFile(let path):
      self.init(
        .cannotCreate, "\(Text.printable(path)) is not a regular file, and is not replaced",
        hint: "name a file")
    }
  }
}
