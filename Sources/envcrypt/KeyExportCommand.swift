import ArgumentParser
import Envelope
import KMSKeystore
import KMSService
import SystemPackage

struct KeyExportCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write the material of a key, or of all keys, to a keyring file: an escrow copy.",
    discussion: """
      The file opens every message under the keys, with envcrypt (--keyring) or any AWS Encryption \
      SDK, without the keystore. It contains the keys unencrypted: keep it in a safe place. If the \
      keystore has a passphrase, you are asked for it. 'init --import' makes a keystore from the file.

      --encrypt-with encrypts the file: with a passphrase, which you choose, or to the public keys \
      in a file. docs/escrow.md has the commands that open it, with and without envcrypt.

      The file has the versions that exist now, so export again after each rotation.

      --all is for the keystore's owner. HMAC keys and signing keys open no messages, and are not \
      in the file: 'keystore backup' keeps them. If a key cannot be exported, for example because \
      its policy forbids it, the file has the other keys, and the exit status says that one is \
      missing.

      Examples:
        envcrypt key export alias/default -o escrow.json
        envcrypt key export --all -o escrow.json
        envcrypt key export --all --encrypt-with passphrase -o escrow.pem
        envcrypt key export --all --encrypt-with safe.pub.pem -o escrow.envc
      """)

  @Argument(help: ArgumentHelp("Key ID, alias/… or ARN.", valueName: "key"))
  var key: String?

  @Flag(help: "Export every key that opens messages.")
  var all = false

  @Option(
    help: ArgumentHelp(
      "Encrypt the file: 'passphrase', or a file of public keys as for 'encrypt --recipient'.",
      valueName: "passphrase|file"), completion: .file())
  var encryptWith: String?

  @OptionGroup var escrow: EscrowOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var keystore: KeystoreOptions

  mutating func validate() throws {
    if all, key != nil { throw ValidationError("name a key, or give --all, but not both") }
    if !all, key == nil {
      throw ValidationError("name a key; --all exports every key that opens messages")
    }
    if escrow.escrowPassphraseFile != nil, encryptWith != "passphrase" {
      throw ValidationError("--escrow-passphrase-file needs --encrypt-with passphrase")
    }
  }

  func run() throws {
    if encryptWith == nil, output.output == nil || output.output == "-",
      Descriptor.standardOutput.isTerminal
    {
      throw Failure(
        .usage, "a key is not shown on a terminal", hint: "write it to a file with -o FILE")
    }
    let console = keystore.console()
    try ReportFile.check(output)
    let seal = try sealing()
    let missing = try keystore.withService { service -> Failure? in
      guard let key else { return try exportAll(service, console, seal) }
      let export = try service.exportKey(key)
      try write(export.file, seal)
      service.noteCopy(export)
      return nil
    }
    if encryptWith == nil { warn(console) }
    if let missing { throw missing }
  }

  private func warn(_ console: Console) {
    console.warning(
      all
        ? "the file has the keys unencrypted: whoever has it can open every message under them"
        : "the file has the key unencrypted: whoever has it can open every message under the key")
  }

  private typealias Seal = (KeyringFile) throws -> [UInt8]

  /// Returns the function that encrypts the keys; nil for a file in the clear. Asks for a
  /// passphrase and reads public keys before it returns.
  private func sealing() throws -> Seal? {
    switch encryptWith {
    case nil: return nil
    case "passphrase":
      let name = Text.printable(FilePath(argument: output.output ?? "-"))
      let passphrase = SecretText(try escrow.newPassphrase(for: name))
      return { try EscrowFile.sealed($0, passphrase: passphrase.bytes) }
    case let file?:
      let keyrings = try RecipientFile.keyrings(FilePath(argument: file))
      return { try EscrowFile.sealed($0, for: keyrings) }
    }
  }

  /// Exports all keys. Returns the failure if a key is missing in the file.
  private func exportAll(
    _ service: KeyService, _ console: Console, _ seal: Seal?
  ) throws -> Failure? {
    let export = try service.exportAllKeys()
    let failures =
      export.refused.map { Failure($0.reason).about("key \($0.keyID)") }
      + export.damaged.map { Failure(KeystoreError.editedRecord($0)) }
    for failure in failures {
      console.warning("not exported: \(failure.message)", hint: failure.hint)
    }
    guard export.keyCount > 0 else {
      throw Failure(failures.first?.status ?? .unavailable, "there is no key to export")
    }
    try write(export.file, seal)
    service.noteCopy(export)
    console.note("keys \(export.keyCount), versions \(export.versionCount)")
    if !export.unsuitable.isEmpty {
      console.note(
        "not exported, because they open no messages: HMAC and signing keys "
          + "(\(export.unsuitable.count)); 'keystore backup' keeps them")
    }
    if !export.withoutMaterial.isEmpty {
      console.note(
        "not exported, because they have no material: \(export.withoutMaterial.count) keys")
    }
    guard let first = failures.first else { return nil }
    return Failure(
      first.status,
      "the file is written, but keys are missing in it: \(failures.count)",
      hint: "the warnings above name them; envcrypt keystore backup copies everything")
  }

  private func write(_ file: KeyringFile, _ seal: Seal?) throws {
    let text = file.serialized()
    // A copy that cannot be read is of no use, so it is read before anybody relies on it.
    guard text.count <= KeyringFile.sizeLimit,
      (try? KeyringFile(parsing: text.duplicate())) == file
    else {
      throw Failure(
        .unavailable, "the keys do not fit in one keyring file",
        hint: "envcrypt keystore backup copies them all; envcrypt key export KEY copies one")
    }
    if let seal {
      return try ReportFile.write(
        try seal(file), to: output, permissions: 0o600, keystore: keystore)
    }
    try text.withBytes {
      try ReportFile.write($0, to: output, permissions: 0o600, keystore: keystore)
    }
  }
}
