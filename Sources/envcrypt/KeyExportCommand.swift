import ArgumentParser
import Envelope
import KMSKeystore
import KMSService

struct KeyExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write the material of a key, or of all keys, to a keyring file: an escrow copy.",
    discussion: """
      The file opens every message under the keys, with envcrypt (--keyring) or any AWS Encryption \
      SDK, without the keystore. It contains the keys unencrypted: keep it in a safe place. If the \
      keystore has a passphrase, you are asked for it. 'init --import' makes a keystore of the file.

      The file has the versions that exist now, so export again after each rotation.

      --all is for the keystore's owner. HMAC keys and signing keys open no messages, and are not \
      in the file: 'keystore backup' keeps them. If a key cannot be exported, for example because \
      its policy forbids it, the file has the other keys, and the exit status says that one is \
      missing.

      Examples:
        envcrypt key export alias/default -o escrow.json
        envcrypt key export --all -o escrow.json
      """)

  @Argument(help: ArgumentHelp("Key ID, alias/… or ARN.", valueName: "key"))
  var key: String?

  @Flag(help: "Export every key that opens messages.")
  var all = false

  @OptionGroup var output: OutputOptions
  @OptionGroup var keystore: KeystoreOptions

  mutating func validate() throws {
    if all, key != nil { throw ValidationError("name a key, or give --all, but not both") }
    if !all, key == nil {
      throw ValidationError("name a key; --all exports every key that opens messages")
    }
  }

  func run() throws {
    if output.output == nil || output.output == "-", Descriptor.standardOutput.isTerminal {
      throw Failure(
        .usage, "a key is not shown on a terminal", hint: "write it to a file with -o FILE")
    }
    let console = Console()
    let missing = try keystore.withService { service -> Failure? in
      guard let key else { return try exportAll(service, console) }
      try write(try service.exportKey(key))
      return nil
    }
    console.warning(
      all
        ? "the file has the keys unencrypted: whoever has it can open every message under them"
        : "the file has the key unencrypted: whoever has it can open every message under the key")
    if let missing { throw missing }
  }

  /// Exports all keys. Returns the failure if a key is missing in the file.
  private func exportAll(_ service: KeyService, _ console: Console) throws -> Failure? {
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
    try write(export.file)
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

  private func write(_ file: KeyringFile) throws {
    let text = file.serialized()
    // A copy that cannot be read is of no use, so it is read before anybody relies on it.
    guard text.count <= KeyringFile.sizeLimit,
      (try? KeyringFile(parsing: text.duplicate())) == file
    else {
      throw Failure(
        .unavailable, "the keys do not fit in one keyring file",
        hint: "envcrypt keystore backup copies them all; envcrypt key export KEY copies one")
    }
    try text.withBytes {
      try ReportFile.write($0, to: output, permissions: 0o600, keystore: keystore)
    }
  }
}
