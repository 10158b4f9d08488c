import ArgumentParser
import SystemPackage

struct KeystorePasswdCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "passwd",
    abstract: "Change the passphrase.",
    discussion: """
      Asks for the present passphrase, and twice for the new one. If the keystore has several \
      passphrases, the one that you give is replaced. Whoever has an older copy of the keystore \
      file and the old passphrase can still open that copy: replace your backups, too.

      If you have forgotten the passphrase but another protector opens the keystore, add a new \
      passphrase and remove the old one ('keystore protector').

      Examples:
        envcrypt keystore passwd
        envcrypt keystore passwd --passphrase-file old --new-passphrase-file new
      """)

  @Option(
    help: ArgumentHelp(
      "Read the new passphrase from the first line of a file.", valueName: "file"),
    completion: .file())
  var newPassphraseFile: String?

  @Flag(name: [.short, .long], help: "Print only warnings and errors.")
  var quiet = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let path = try keystore.withService { service in
      let path = Text.printable(service.keystore.path)
      guard let protectorID = try service.prepareToChangePassphrase() else {
        throw Failure(
          .usage, "the keystore \(path) has no passphrase",
          hint: "envcrypt keystore protector add passphrase")
      }
      let source = try PassphraseSource(
        origin: newPassphraseFile.map { .file(FilePath(argument: $0)) } ?? .terminal, keyFile: nil,
        prompt: path, console: keystore.console())
      try service.changePassphrase(of: protectorID, to: .passphrase(try source.newPassphrase()))
      return path
    }
    keystore.console(isQuiet: quiet).note(
      "the passphrase of \(path) is changed; the old one still opens earlier copies, such as "
        + "backups")
  }
}
