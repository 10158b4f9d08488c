import ArgumentParser
import Envelope
import KMSKeystore
import SystemPackage

struct EncryptCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "encrypt",
    abstract: "Encrypt files, or standard input.",
    discussion: """
      If no key, recipient or keyring is given, the key of alias/default is used. Each of the \
      given keys can open the message alone.

      Examples:
        envcrypt encrypt notes.txt                        makes notes.txt.envc
        envcrypt encrypt -k alias/backup -o /mnt *.tar    collects in a directory
        tar c dir | envcrypt encrypt -o dir.tar.envc      from a pipe
        envcrypt encrypt -R photos -o /mnt/backup         a tree
        envcrypt encrypt -R photos -o /mnt/backup --update --delete    every night
        envcrypt encrypt --rm *.log                       replaces files by messages
        envcrypt encrypt -r bob.pem letter.txt            for somebody's public key
        envcrypt encrypt -r ~/.ssh/id_ecdsa.pub a.txt     for an SSH key
        secret=$(echo hunter2 | envcrypt encrypt -a)      as text
        envcrypt encrypt -c purpose=backup db.dump        with an encryption context

      With --update, a file is left out if its message has the same modification time and shows the \
      same size. The messages of other files are replaced; a file that is not a message is replaced \
      only with --force. Messages of files that are left out keep their keys, even if other keys are \
      given: a note says so, if the keys were needed. A passphrase is asked for only if there is \
      something to do. To continue a run that was interrupted, start it again.

      With --delete, messages, symbolic links and empty directories are removed if their source is \
      gone, after all new messages are on the disk. Files that are not messages stay, and so does \
      what is excluded. Nothing is removed if a tree has no files, if a part of it could not be \
      read, or if a file has failed.

      With --rm, an input is removed after its message is on the disk, is read again and decrypted, \
      and has the input's bytes. So one of the keys must be able to decrypt, and the audit log of the \
      keystore gets a record of that, too. Directories and symbolic links of a tree stay. An input \
      that has changed, or that a program has open for writing, stays, and the exit status is 3. \
      With --update, files that have not changed are removed if their messages have their bytes.

      A missing output directory is made for several inputs, with --recursive, and if its name ends \
      in a slash.

      An output is synced to disk before it gets its name. If a file changes while it is read, the \
      output has what was read, a warning names the file, and the exit status is 3. An output gets \
      the mode of its input, less the umask, and less what a file that it replaces did not allow.

      With --recursive, the output is a tree like the input, as with cp -a: with the same empty \
      directories, symbolic and hard links, modes, times, and, if root runs this, owners. Symbolic \
      links are not followed. FIFOs, sockets and devices are left out, and named. Names, links and \
      these attributes are neither encrypted nor authenticated: only contents are. If -o names \
      another directory, messages in a tree are encrypted like other files. Without -o, they are \
      left as they are, and a warning names those that no earlier run has made.
      """)

  @OptionGroup var inputs: InputOptions
  @OptionGroup var filter: FilterOptions

  @Flag(help: "Leave out what is in directories with a CACHEDIR.TAG, but not the tag.")
  var excludeCaches = false

  @OptionGroup var wrapping: WrappingOptions
  @OptionGroup var keyring: KeyringOptions
  @OptionGroup var context: ContextOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var attributes: AttributeOptions
  @OptionGroup var naming: NamingOptions

  @OptionGroup var updating: UpdateOptions
  @OptionGroup var deleting: DeletionOptions
  @OptionGroup var removing: RemovalOptions

  @Flag(help: "Sign the message (ECDSA P-384, a fresh key in the header).")
  var sign = false

  @Flag(name: [.short, .long], help: "Write text: base64 between two marker lines.")
  var armor = false

  @Option(
    help: ArgumentHelp("Plaintext bytes in each frame, 1 to 67108864.", valueName: "bytes"))
  var frameLength = UInt32(FrameLength.standard.bytes)

  @OptionGroup var parallel: ParallelOptions
  @OptionGroup var report: ReportOptions
  @OptionGroup var json: JSONOptions
  @OptionGroup var keystore: KeystoreOptions

  mutating func validate() throws {
    if updating.print0, json.json {
      throw ValidationError("--print0 and --json cannot be used together")
    }
    if deleting.delete, !inputs.recursive {
      throw ValidationError("--delete needs --recursive and -o DIR")
    }
    if deleting.delete, updating.print0 {
      throw ValidationError(
        "--print0 prints names of inputs; --json also lists what --delete would remove")
    }
    if deleting.delete, removing.rm {
      throw ValidationError(
        "--rm and --delete cannot be used together: the next run would delete the messages of "
          + "removed files")
    }
  }

  func run() throws {
    try updating.check(output: output.output)
    try inputs.checkStandardInput(filter, keyring, keystore, wrapping: wrapping)
    try removing.check(inputs, output)
    try removing.check(wrapping, keyring)
    let console = keystore.console(isQuiet: report.quiet, keepingWarnings: json.json)
    let leftovers = Leftovers()
    if updating.dryRun { return try dryRun(leftovers, console) }
    let store = SharedKeystore(
      keystore, secrets: nil, ofManyFiles: inputs.areMany ? leftovers : nil)
    let json = json.report(keystore)
    try JSONReport.completing(json) {
      try store.recording { try run(store, leftovers, console, json) }
    }
  }

  private func run(
    _ store: SharedKeystore, _ leftovers: Leftovers, _ console: Console, _ json: JSONReport?
  ) throws {
    let plan = try plan(console)
    try JSONReport.check(json, plan)
    let rule = armor ? FileRun.TerminalRule.everything : .nothing
    if !updating.update || removing.rm {
      store.beforeAsking { [force = output.force || updating.update] in
        try plan.requireUsableJob(replacing: force, toTerminal: rule)
      }
    }
    let scheduler = parallel.scheduler()
    let context = try context.encryptionContext()
    let frameLength = try FrameLength(argument: frameLength)
    let keyrings = try keyrings(store, console)
    let removal = try removal(keyrings, store, context, scheduler, plan.keystoreFiles)
    let encryptor = Deferred { [sign] in
      MessageEncryptor(
        keyrings: try keyrings.value(), encryptionContext: context,
        suite: sign ? .signing : .standard, frameLength: frameLength, scheduler: scheduler)
    }
    let run = FileRun(
      plan: plan, inputs: inputs, replaces: output.force, synchronizes: !output.noSync,
      report: report, scheduler: scheduler, console: console, leftovers: leftovers,
      keystore: store.ofRun(isNeeded: true, failure: { keyrings.error }), toTerminal: rule,
      keeping: attributes, reporting: RunReport(json),
      repetition: repetition(
        console, updating.update ? MessageDifference(context) { keyrings.made } : nil),
      removing: removal
    ) { [armor] source, job in
      let encryptor = try encryptor.value {
        if keyrings.made == nil {
          try job.requireUsable(replacing: true, toTerminal: rule, .encrypt)
        }
      }
      return .transfer {
        try encryptor.encrypt(from: source, to: $0, isArmored: armor, progress: $1)
      }
    }
    try run.run()
  }

  /// Returns the keyrings for new messages. With --update there may be none to make. So, if a person
  /// has to be asked for a passphrase, the keys are looked up only when the first file needs them.
  private func keyrings(
    _ store: SharedKeystore, _ console: Console
  ) throws -> Deferred<[any Keyring]> {
    let others = try wrapping.recipientKeyrings() + keyring.keyrings()
    let usesKeystore = wrapping.usesKeystore(besides: keyring)
    let keyrings = Deferred { [wrapping] in
      let all =
        usesKeystore ? try wrapping.keystoreKeyrings(store.service()) + others : others
      Self.warnOfLimit(all.count, console)
      return all
    }
    // With --rm, unchanged files need the keys too.
    let mayWait = try updating.update && !removing.rm && usesKeystore && store.mustAsk()
    if !mayWait { _ = try keyrings.value() }
    return keyrings
  }

  /// Warns of messages that readers refuse by default.
  private static func warnOfLimit(_ count: Int, _ console: Console) {
    guard count > HeaderLimits.standard.encryptedDataKeys else { return }
    console.warning(
      "\(count) keys are more than readers accept unless they are told to",
      hint: "envcrypt decrypt and envcrypt verify need --max-encrypted-data-keys \(count)")
  }

  private func removal(
    _ keyrings: Deferred<[any Keyring]>, _ store: SharedKeystore, _ context: EncryptionContext,
    _ scheduler: Scheduler, _ files: KeystoreFiles
  ) throws -> InputRemoval? {
    guard removing.rm else { return nil }
    let usesKeystore = wrapping.usesKeystore(besides: keyring)
    let keys = try keystore.filesOfSecrets(usesKeystore ? store.service() : nil)
    return try removing.removal(
      keyrings.value(), usesKeystore ? store : nil, context, scheduler, keeping: attributes,
      keystoreFiles: files, keys: keys + keyring.files.map(FilePath.init(argument:)))
  }

  private func plan(_ console: Console) throws -> FilePlan {
    var plan = try FilePlan(
      inputs, output: output.output, naming: .encrypt, suffix: naming.value,
      selection: filter.selection(excludingCaches: excludeCaches, warningOn: console),
      keystoreFiles: keystore.files())
    if deleting.delete { try plan.mirror() }
    return plan
  }

  private func repetition(
    _ console: Console, _ difference: MessageDifference?
  ) -> Repetition {
    var repetition = Repetition(
      updates: updating.update, isDryRun: updating.dryRun, difference: difference)
    if deleting.delete {
      repetition.deletion = Deletion(
        limit: deleting.maxDelete, isDryRun: updating.dryRun, printsNames: !json.json,
        suffix: naming.value, console: console
      )
    }
    return repetition
  }

  /// Prints the files that would be encrypted and the messages that would be removed. Needs no key.
  private func dryRun(_ leftovers: Leftovers, _ console: Console) throws {
    let json = json.report(keystore)
    try JSONReport.completing(json) {
      let plan = try plan(console)
      let keys = try removing.rm ? keystore.filesOfSecrets(nil) : []
      try FileRun(
        plan: plan, inputs: inputs, replaces: output.force, report: report,
        scheduler: parallel.scheduler(), console: console, leftovers: leftovers, keystore: .none,
        toTerminal: .everything,
        reporting: DryRun.report(
          "encrypt", json, removing: removing.rm, names: updating.print0, on: console),
        repetition: repetition(console, nil),
        removing: removing.rm
          ? DryRun.removal(
            plan, keeping: attributes, keys: keys + keyring.files.map(FilePath.init(argument:)))
          : nil,
        work: DryRun.work
      ).run()
    }
  }
}
