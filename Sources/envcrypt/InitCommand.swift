import ArgumentParser
import Envelope
import KMSAPI
import KMSKeystore
import KMSService
import SystemPackage

struct InitCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make a keystore and its first key, alias/default.",
    discussion: """
      The keystore manages this key: it is rotated every year and cannot be disabled or deleted. \
      'key create' makes keys that you manage yourself.

      A protector unlocks the keystore's root key. It is a passphrase; or a key file of random \
      bytes, which is created if it does not exist, and which you keep elsewhere; or none. With \
      none, only the mode of the keystore file (0600) protects it, as with SSH keys without a \
      passphrase. You can add more protectors later.

      Examples:
        envcrypt init
        envcrypt init --protector key-file:/media/usb/envcrypt.key
        envcrypt init --protector none --keystore ./ci.db

      Then keep a copy of the key elsewhere, because a lost keystore means lost files:
        envcrypt key export alias/default -o escrow.json

      With such a copy, make a keystore on a new machine. The keys have the same IDs, versions and \
      aliases:
        envcrypt init --import escrow.json
      """)

  @Option(
    help: ArgumentHelp("passphrase, key-file:PATH or none.", valueName: "protector"))
  var protector = "passphrase"

  @Flag(
    help: "Refuse each use of a key that cannot be recorded in the audit log. Can be changed later."
  )
  var requireAudit = false

  @Option(
    name: .customLong("import"),
    help: ArgumentHelp(
      "Take the keys from a keyring file that 'key export' wrote; '-' is standard input.",
      valueName: "file"), completion: .file())
  var importFile: String?

  @OptionGroup var escrow: EscrowOptions
  @OptionGroup var keystore: KeystoreOptions

  @Flag(name: [.short, .long], help: "Print only warnings and errors.")
  var quiet = false

  func run() throws {
    let console = keystore.console(isQuiet: quiet)
    let leftovers = Leftovers()
    let path = try keystore.path()
    // Check this before the user types a passphrase twice for nothing.
    try Keystore.checkPlaceForNew(path)
    let secrets = try keystore.secrets()
    let imported = try importFile.map {
      try SmallFile.readKeysToImport(FilePath(argument: $0), escrow)
    }
    var key: KeyMetadata?
    var isRecorded = true
    let created = try keystore.withNewProtector(
      protector, passphrase: secrets, leftovers: leftovers
    ) { _ in
      (try? FileStatus.at(path, followingLinks: false) != nil) ?? true
    } _: { protector, willStore in
      let furnish = { (keystore: Keystore) in
        var listener = KeyServiceListener()
        listener.recordsWereLost = Console.warnOfLoss
        let service = try KeyService(
          KeyServiceHost(keystore, secrets: secrets, listener: listener))
        if let imported {
          key = try service.importAllKeys(imported)
        } else {
          key = try service.createDefaultKey()
        }
        isRecorded = service.finishRecords()
      }
      return try Keystore.create(
        at: path, protector: protector, requiresAudit: requireAudit, leftovers: leftovers,
        furnish: furnish, willStore: willStore)
    }
    created.leaveOpen()
    console.note("keystore \(Text.printable(path)), protector \(Text.printable(protector))")
    if let key { console.note("key \(key.keyID), alias/default") }
    if let importFile, let imported {
      console.note("keys from \(Text.printable(FilePath(argument: importFile))): \(imported.count)")
    }
    if protector == "none" {
      console.note("whoever can read the keystore file can use its keys")
      console.warn(try created.exposures(), of: path)
    }
    InitAdvice(protector: protector).tell(on: console)
    guard isRecorded else { throw Failure.unrecorded }
  }
}
