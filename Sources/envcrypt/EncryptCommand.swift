import ArgumentParser
import Envelope
import SystemPackage

struct EncryptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encrypt",
    abstract: "Encrypt files, or standard input.",
    discussion: """
      Without a key, recipient or keyring the key behind alias/default is used. Every key named \
      opens the message alone.

      Examples:
        envcrypt encrypt notes.txt                        makes notes.txt.envc
        envcrypt encrypt -k alias/backup -o /mnt *.tar    collects in a directory
        tar c dir | envcrypt encrypt -o dir.tar.envc      from a pipe
        envcrypt encrypt -R photos -o /mnt/backup         a tree
        envcrypt encrypt -r bob.pem letter.txt            for somebody's RSA public key
        secret=$(echo hunter2 | envcrypt encrypt -a)      as text
        envcrypt encrypt -c purpose=backup db.dump        with an encryption context
      """)

  @OptionGroup var inputs: InputOptions

  @Option(
    name: [.customShort("k"), .customLong("key")],
    help: ArgumentHelp("A key of the keystore: key ID, alias/… or ARN.", valueName: "key"))
  var keys: [String] = []

  @Option(
    name: [.customShort("r"), .customLong("recipient")],
    help: ArgumentHelp("An RSA public key in PEM; no keystore is needed.", valueName: "pub.pem"),
    completion: .file())
  var recipients: [String] = []

  @OptionGroup var keyring: KeyringOptions
  @OptionGroup var context: ContextOptions
  @OptionGroup var output: OutputOptions

  @Flag(help: "Sign the message (ECDSA P-384, a fresh key in the header).")
  var sign = false

  @Flag(name: [.short, .long], help: "Write text: base64 between two marker lines.")
  var armor = false

  @Option(
    help: ArgumentHelp("Plaintext bytes in each frame, 1 to 67108864.", valueName: "bytes"))
  var frameLength = UInt32(FrameLength.standard.bytes)

  @OptionGroup var parallel: ParallelOptions
  @OptionGroup var report: ReportOptions
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let console = Console(isQuiet: report.quiet)
    guard FrameLength.range.contains(frameLength) else {
      throw Failure(
        .usage,
        "--frame-length is \(FrameLength.range.lowerBound) to \(FrameLength.range.upperBound), "
          + "not \(frameLength)")
    }
    let scheduler = parallel.scheduler()
    let encryptor = MessageEncryptor(
      keyrings: try keyrings(), encryptionContext: try context.encryptionContext(),
      suite: sign ? .signing : .standard, frameLength: try FrameLength(frameLength),
      scheduler: scheduler)
    let armor = armor
    try FileRun(
      plan: try FilePlan(inputs, output: output.output, naming: .encrypt), inputs: inputs,
      replaces: output.force, report: report, scheduler: scheduler, console: console,
      toTerminal: armor ? .everything : .nothing
    ) { source, sink, progress in
      guard armor else { return try encryptor.encrypt(from: source, to: sink, progress: progress) }
      let text = ArmorSink(sink)
      let summary = try encryptor.encrypt(from: source, to: text, progress: progress)
      try text.finish()
      return summary
    }.run()
  }

  /// Everybody who will be able to open the messages.
  private func keyrings() throws -> [any Keyring] {
    var keyrings = try recipients.map { name -> any Keyring in
      let path = FilePath(argument: name)
      do {
        return try RawRSAKeyring.recipient(pem: try SmallFile.read(path, limit: 1 << 20))
      } catch let error as CryptoError {
        throw Failure(error).about(Text.printable(path))
      }
    }
    keyrings += try keyring.keyrings()
    let names = keys.isEmpty && keyrings.isEmpty ? ["alias/default"] : keys
    guard !names.isEmpty else { return keyrings }
    let service = try keystore.service()
    return try names.map { try service.wrappingKeyring($0) } + keyrings
  }
}
