import ArgumentParser
import Envelope
import SystemPackage

/// The option for the passphrase of an encrypted escrow file, which is not the keystore's.
struct EscrowOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read the passphrase of an encrypted escrow file from the first line of a file.",
      discussion: "Without it, you are asked on the terminal.", valueName: "file"),
    completion: .file())
  var escrowPassphraseFile: String?

  /// Returns the new passphrase for the escrow file with this name.
  func newPassphrase(for name: String) throws -> SecretBytes {
    try source(name).newPassphrase(
      hint: "whoever gets the file can try passphrases: choose a longer one")
  }

  /// Decrypts the text of an escrow file.
  func open(_ text: borrowing SecretBytes, from path: FilePath) throws -> KeyringFile {
    let name = Text.printable(path)
    guard let passphrase = try source(name).passphrase() else {
      throw Failure(
        .noPermission, "\(name) needs its passphrase, and there is no terminal to ask on",
        hint: "--escrow-passphrase-file FILE")
    }
    guard let file = try EscrowFile.open(text, passphrase: passphrase) else {
      throw Failure(.noPermission, "wrong passphrase for \(name)")
    }
    return file
  }

  private func source(_ name: String) throws -> PassphraseSource {
    try PassphraseSource(
      origin: escrowPassphraseFile.map { .file(FilePath(argument: $0)) } ?? .terminal,
      keyFile: nil, prompt: name, console: Console())
  }
}
