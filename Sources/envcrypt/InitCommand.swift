import ArgumentParser
import Envelope
import KMSAPI
import KMSKeystore
import KMSService

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make a keystore, and a first key behind alias/default.",
    discussion: """
      The keystore manages that key by itself: it is rotated every year and cannot be disabled or \
      deleted. Keys of your own, which can, are made with 'key create'.

      The keystore's root key is kept by a protector: a passphrase; a file of random bytes, made \
      if it is not there, which you keep elsewhere; or nothing but the keystore file's mode \
      (0600), as SSH keys without a passphrase are. More protectors can be added later.

      Examples:
        envcrypt init
        envcrypt init --protector key-file:/media/usb/envcrypt.key
        envcrypt init --protector none --keystore ./ci.db

      Then write the key down elsewhere, or a lost keystore is a lost backup:
        envcrypt key export alias/default -o escrow.json
      """)

  @Option(
    help: ArgumentHelp("passphrase, key-file:PATH or none.", valueName: "protector"))
  var protector = "passphrase"

  @Flag(
    help: "Use no key unless the use can be recorded in the audit log. Can be changed later.")
  var requireAudit = false

  @OptionGroup var keystore: KeystoreOptions

  @Flag(name: [.short, .long], help: "Say nothing but warnings and errors.")
  var quiet = false

  func run() throws {
    let console = Console(isQuiet: quiet)
    let path = try keystore.path()
    // Check this before the user types a passphrase twice for nothing.
    try Keystore.checkPlaceForNew(path)
    let secrets = try keystore.secrets()
    var key: KeyMetadata?
    var isRecorded = true
    let created = try keystore.withNewProtector(protector, passphrase: secrets) { _ in
      (try? FileStatus.at(path, followingLinks: false) != nil) ?? true
    } _: {
      try Keystore.create(
        at: path, protector: $0, requiresAudit: requireAudit, leftovers: Leftovers()
      ) { keystore in
        var listener = KeyServiceListener()
        listener.recordsWereLost = Console.warnOfLoss
        let service = try KeyService(
          KeyServiceHost(keystore, secrets: secrets, listener: listener))
        key = try service.createDefaultKey()
        isRecorded = service.finishRecords()
      }
    }
    created.leaveOpen()
    console.note("keystore \(Text.printable(path)), protector \(Text.printable(protector))")
    if let key { console.note("key \(key.keyID), alias/default") }
    if protector == "none" {
      console.note("whoever can read the keystore file can use its keys")
      console.warn(try created.exposures(), of: path)
    }
    guard isRecorded else { throw Failure.unrecorded }
  }
}
