import ArgumentParser
import Envelope

struct DecryptCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "decrypt",
    abstract: "Decrypt files, or standard input.",
    discussion: """
      The message names the keys that open it; armor is detected. A file appears only after all of \
      it is verified. In a pipe, each frame is written once it is verified: check the exit status \
      before you rely on the output.

      Examples:
        envcrypt decrypt notes.txt.envc                   makes notes.txt
        envcrypt decrypt db.envc -o - | psql db           into a pipe
        envcrypt decrypt --stdout *.log.envc | grep 404   several, one after the other
        envcrypt decrypt -c purpose=backup db.dump.envc   only with that context
        envcrypt decrypt --keyring escrow.json f.envc     with an exported key
        envcrypt decrypt -R /mnt/backup -o restored       a tree
        envcrypt decrypt --offset 1G --length 4K disk.img.envc   a part of a file

      To decrypt a part, only the frames that hold it are read, and the final frame, so that a \
      truncated message is detected. The other frames are not checked: 'verify' does that. Without \
      -o, a part goes to standard output.

      With --stdout, the messages are decrypted in the order of their names on the command line, \
      as with gzip -dc. A bad message ends where its last good frame ends; the next ones follow, \
      and the exit status is not 0.

      With --update, a message is left out if its plaintext is there, with the same time and size. A \
      file that differs may have been edited: it is replaced only with --force.

      With --rm, a message is removed after its plaintext is on the disk. Before that, the message is \
      decrypted again and compared with the file. Directories and symbolic links of a tree stay. \
      With --update, a message is also removed if its plaintext was there already, after the same \
      check.

      A missing output directory is made for several inputs, with --recursive, and if its name ends \
      in a slash.

      A file is synced to disk before it gets its name. It gets the mode of the message, less the \
      umask, and less what a file that it replaces did not allow.

      With --recursive, a tree comes back as it was, as with cp -a: with its directories, \
      symbolic and hard links, modes, times, and, if root runs this, owners, as the encrypted tree \
      has them. They are not authenticated: only contents are. If a tree contains no message, the exit \
      status is 66.
      """)

  @OptionGroup var inputs: InputOptions
  @OptionGroup var filter: FilterOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var attributes: AttributeOptions

  @Flag(help: "Make holes of runs of zeros in output files, as cp --sparse=always does.")
  var sparse = false

  @OptionGroup var naming: NamingOptions

  @OptionGroup var updating: UpdateOptions
  @OptionGroup var removing: RemovalOptions

  @Flag(help: "Write the plaintexts to standard output, one after the other.")
  var stdout = false

  @OptionGroup var options: DecryptionOptions
  var keystore: KeystoreOptions { options.keystore }
  @Option(
    help: ArgumentHelp(
      "Start at this byte of the plaintext.",
      discussion: "A number of bytes. The suffixes K, M, G and T mean KiB, MiB, GiB and TiB.",
      valueName: "bytes"))
  var offset: ByteCount?

  @Option(
    help: ArgumentHelp("Decrypt at most this many bytes.", valueName: "bytes"))
  var length: ByteCount?

  @Flag(help: "Decrypt a part of a signed message without verifying its signature.")
  var ignoreSignature = false

  @OptionGroup var parallel: ParallelOptions
  @OptionGroup var report: ReportOptions
  @OptionGroup var json: JSONOptions

  private var isPart: Bool { offset != nil || length != nil }

  mutating func validate() throws {
    if updating.print0, json.json {
      throw ValidationError("--print0 and --json cannot be used together")
    }
    if stdout, output.output != nil {
      throw ValidationError("--stdout and --output cannot be used together")
    }
    if updating.update, stdout || isPart {
      throw ValidationError("--update needs outputs that are files, and whole ones")
    }
    if removing.rm, stdout || isPart {
      throw ValidationError("--rm needs outputs that are files, and whole ones")
    }
    if isPart, inputs.areMany {
      throw ValidationError("--offset and --length need exactly one message")
    }
    if ignoreSignature, !isPart {
      throw ValidationError("--ignore-signature needs --offset or --length")
    }
  }

  /// Returns the pipe that cuts a part out of a plaintext; tail counts from 1.
  private static func cut(from offset: ByteCount?, count length: ByteCount?) -> String {
    let begin = "tail -c +\((offset?.bytes ?? 0) + 1)"
    return length.map { "\(begin) | head -c \($0.bytes)" } ?? begin
  }

  func run() throws {
    try updating.check(output: output.output)
    try inputs.checkStandardInput(filter, options.keyring, keystore)
    try removing.check(inputs, output)
    let json = json.report(keystore)
    try JSONReport.completing(json) { try run(json) }
  }

  private func run(_ json: JSONReport?) throws {
    let console = keystore.console(isQuiet: report.quiet, keepingWarnings: json != nil)
    let plan = try FilePlan(
      inputs, output: output.output ?? (isPart ? "-" : nil), joining: stdout, naming: .decrypt,
      suffix: naming.value, selection: filter.selection(warningOn: console),
      keystoreFiles: options.keystore.files())
    try JSONReport.check(json, plan)
    let scheduler = parallel.scheduler()
    let leftovers = Leftovers()
    let repetition = Repetition(updates: updating.update, isDryRun: updating.dryRun)
    if updating.dryRun {
      return try FileRun(
        plan: plan, inputs: inputs, replaces: output.force, report: report, scheduler: scheduler,
        console: console, leftovers: leftovers, keystore: .none, toTerminal: .text,
        reporting: DryRun.report(
          "decrypt", json, removing: removing.rm, names: updating.print0, on: console),
        repetition: repetition,
        removing: removing.rm ? DryRun.removal(plan, keeping: attributes, keys: []) : nil,
        work: DryRun.work
      ).run()
    }
    let store = try options.store(ofManyFiles: inputs.areMany ? leftovers : nil)
    store.beforeAsking { [force = output.force || updating.update] in
      try plan.requireUsableJob(replacing: force, toTerminal: .text)
    }
    let decryptor = Deferred { [options] in try options.decryptor(store, scheduler) }
    // The keys that -k names are looked up at once, unless a person has to be asked for a passphrase
    // and there may be nothing to do.
    let mayWait = try updating.update && !options.keys.isEmpty && store.mustAskToDecrypt()
    if !mayWait { _ = try decryptor.value() }
    let removal =
      removing.rm
      ? InputRemoval(
        of: .decrypt, keeping: attributes, keystoreFiles: plan.keystoreFiles, keys: []
      ) { try decryptor.value().decrypt(from: $0, to: $1) } : nil
    let run = FileRun(
      plan: plan, inputs: inputs, replaces: output.force, synchronizes: !output.noSync,
      report: report, scheduler: scheduler, console: console, leftovers: leftovers,
      keystore: store.ofRun(isNeeded: options.keyring.isEmpty, failure: { decryptor.error }),
      toTerminal: .text, keeping: attributes, makingHoles: sparse, reporting: RunReport(json),
      repetition: repetition, removing: removal
    ) { [isPart, offset, length, ignoreSignature] source, _ in
      let message = try decryptor.value().open(source)
      return .transfer { sink, progress in
        guard isPart else {
          return try message.decrypt(to: sink, progress: progress)
        }
        do {
          let count = try message.decrypt(
            from: offset?.bytes ?? 0, count: length?.bytes, to: sink,
            ignoringSignature: ignoreSignature, progress: progress)
          return MessageSummary(header: message.header, plaintextCount: count)
        } catch let error as MessageRangeError {
          throw Failure(error, cut: Self.cut(from: offset, count: length))
        }
      }
    }
    try store.recording(run.run)
  }
}
