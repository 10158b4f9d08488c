import ArgumentParser
import Envelope

struct ReencryptCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "reencrypt",
    abstract: "Reencrypt messages under other keys, in place.",
    discussion: """
      Decrypts and encrypts in one pass, with a fresh data key: plaintext stays in memory. The new \
      message replaces the old one after it is complete and synced to disk, and keeps its owner, \
      mode and times. It also keeps the encryption context, armor and frame length, and is signed \
      if the old one was. Hard links, extended attributes, ACLs and the times of directories are not \
      kept. Size and times may be the same as before: to update a copy elsewhere, use a tool that \
      compares contents (rsync --checksum).

      With -k or -r, the new message is under exactly the given keys. Without them, it keeps its \
      keys, in their current versions: keys of the keystore, of --keyring, and elliptic-curve \
      public keys, which are in the message. If a message cannot keep one of its keys, it is left \
      as it is, and an error names the key. This is so for an RSA public key that the keystore \
      does not have: the message has only its fingerprint.

      Messages that are already under these keys, in their current versions, are left as they are. \
      Any key of the keystore or of --keyring may open the old message.

      Examples:
        envcrypt reencrypt -R /mnt/backup                        after 'key rotate'
        envcrypt reencrypt notes.txt.envc -k alias/new
        envcrypt reencrypt -R /mnt/backup -k alias/new -k alias/escrow
        envcrypt reencrypt -R /mnt/backup -k alias/new -n       which would change?
        envcrypt reencrypt -R /mnt/backup -n --print0 | xargs -0r ls -l
        envcrypt reencrypt --keyring old.json -r bob.pem letter.envc
        envcrypt reencrypt -k alias/new < old.envc > new.envc
      """)

  @OptionGroup var inputs: InputOptions
  @OptionGroup var filter: FilterOptions
  @OptionGroup var naming: NamingOptions
  @OptionGroup var wrapping: WrappingOptions
  @OptionGroup var keyring: KeyringOptions
  @OptionGroup var acceptance: AcceptanceOptions

  @Flag(name: [.customShort("n"), .long], help: "Only print which messages would change.")
  var dryRun = false

  @Flag(help: "With --dry-run: print a NUL after each name, for 'xargs -0'.")
  var print0 = false

  @Flag(name: [.short, .long], help: "Also reencrypt messages that are already under these keys.")
  var force = false

  @Flag(help: SyncHelp.text)
  var noSync = false

  @Flag(
    inversion: .prefixedNo, help: "Sign the new messages or not, instead of as the old ones.")
  var sign: Bool?

  @Option(
    help: ArgumentHelp(
      "Plaintext bytes in each frame of the new messages, 1 to 67108864.", valueName: "bytes"))
  var frameLength: UInt32?

  @OptionGroup var parallel: ParallelOptions
  @OptionGroup var report: ReportOptions
  @OptionGroup var json: JSONOptions
  @OptionGroup var keystore: KeystoreOptions

  mutating func validate() throws {
    if print0, !dryRun { throw ValidationError("--print0 needs --dry-run") }
    if print0, json.json { throw ValidationError("--print0 and --json cannot be used together") }
  }

  func run() throws {
    let json = json.report(keystore)
    try JSONReport.completing(json) { try run(json) }
  }

  private func run(_ json: JSONReport?) throws {
    try inputs.checkStandardInput(filter, keyring, keystore, wrapping: wrapping)
    let console = keystore.console(isQuiet: report.quiet, keepingWarnings: json != nil)
    let frameLength = try frameLength.map { try FrameLength(argument: $0) }
    let scheduler = parallel.scheduler()
    let opening = try keyring.keyrings()
    let leftovers = Leftovers()
    let store = try SharedKeystore(keystore, ofManyFiles: inputs.areMany ? leftovers : nil)
    try store.recording {
      try run(store, opening: opening, frameLength, scheduler, leftovers, console, json)
    }
  }

  private func run(
    _ store: SharedKeystore, opening: [any Keyring], _ frameLength: FrameLength?,
    _ scheduler: Scheduler, _ leftovers: Leftovers, _ console: Console, _ json: JSONReport?
  ) throws {
    let plan = try FilePlan(
      inputs, output: nil, naming: .replace, suffix: naming.value,
      selection: filter.selection(warningOn: console), keystoreFiles: self.keystore.files())
    if !dryRun { try JSONReport.check(json, plan) }
    store.beforeAsking { [dryRun] in
      try plan.requireUsableJob(replacing: true, toTerminal: dryRun ? .text : .nothing)
    }
    let reencryptor = try reencryptor(
      opening: opening, store, frameLength: frameLength, scheduler: scheduler)
    let decryptor = try acceptance.decryptor(
      MultiKeyring(opening, others: { try store.keyrings(isOptional: !opening.isEmpty) }),
      scheduler)
    try FileRun(
      plan: plan, inputs: inputs, replaces: true, synchronizes: !noSync, report: report,
      scheduler: scheduler, console: console, leftovers: leftovers,
      keystore: store.ofRun(isNeeded: opening.isEmpty || !wrapping.keys.isEmpty),
      toTerminal: .nothing,
      reporting: json.map { .json($0) }
        ?? .text { [print0] input, outcome in
          guard outcome.result == .wouldChange else { return }
          if print0 { return try console.reportName(input) }
          try console.report(Text.printable(input))
        },
      work: { [force, dryRun] source, job in
        let message = try decryptor.open(source)
        // A message that is not replaced in place has to be written, even if it is current.
        if !force, job.replacesInput || dryRun, try reencryptor.isCurrent(message) {
          return .leave(.unchanged)
        }
        // Find the keyrings before anything is written, so that a message that cannot stay under
        // its keys fails early.
        _ = try reencryptor.keyrings(for: message)
        if dryRun { return .leave(.wouldChange) }
        return .transfer {
          try reencryptor.reencrypt(
            message, to: $0, isArmored: message.isArmored, progress: $1)
        }
      }
    ).run()
  }

  private func reencryptor(
    opening: [any Keyring], _ store: SharedKeystore, frameLength: FrameLength?,
    scheduler: Scheduler
  ) throws -> MessageReencryptor {
    guard wrapping.areEmpty else {
      return MessageReencryptor(
        keyrings: try wrapping.keyrings(besides: [], keystore: store.service), signs: sign,
        frameLength: frameLength, scheduler: scheduler)
    }
    let keys = KeptKeys(
      keyrings: opening, keystore: { try store.keyring(isOptional: !opening.isEmpty) })
    return MessageReencryptor(
      keeping: keys, signs: sign, frameLength: frameLength, scheduler: scheduler)
  }
}
