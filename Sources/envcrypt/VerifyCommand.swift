import ArgumentParser
import Envelope

struct VerifyCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that messages are complete and can be decrypted, without writing them.",
    discussion: """
      Reads and authenticates everything that decrypt would, and writes nothing. Prints "NAME: OK" \
      for each good message, or only the names with --print0; a script can use the exit status. If a \
      tree or a list contains no message, the exit status is 66: a check of nothing is not a success.

      Examples:
        envcrypt verify *.envc
        for f in *.envc; do envcrypt verify -q "$f" || echo "$f: not verified"; done
        envcrypt verify -R /mnt/backup
        envcrypt verify -R --json /mnt/backup | jq 'select(.Result == "failed")'
      """)

  @OptionGroup var inputs: InputOptions
  @OptionGroup var filter: FilterOptions
  @OptionGroup var naming: NamingOptions
  @OptionGroup var options: DecryptionOptions
  var keystore: KeystoreOptions { options.keystore }
  @OptionGroup var parallel: ParallelOptions
  @OptionGroup var report: ReportOptions
  @OptionGroup var json: JSONOptions

  @Flag(help: "Print the names of good messages, each with a NUL after it, for 'xargs -0'.")
  var print0 = false

  mutating func validate() throws {
    if print0, json.json { throw ValidationError("--print0 and --json cannot be used together") }
  }

  func run() throws {
    let json = json.report(keystore)
    try JSONReport.completing(json) { try run(json) }
  }

  private func run(_ json: JSONReport?) throws {
    try inputs.checkStandardInput(filter, options.keyring, keystore)
    let console = keystore.console(isQuiet: report.quiet, keepingWarnings: json != nil)
    let plan = try FilePlan(
      inputs, output: nil, naming: .none, suffix: naming.value,
      selection: filter.selection(warningOn: console), keystoreFiles: options.keystore.files())
    let scheduler = parallel.scheduler()
    let leftovers = Leftovers()
    let store = try options.store(ofManyFiles: inputs.areMany ? leftovers : nil)
    store.beforeAsking { try plan.requireUsableJob(replacing: false, toTerminal: .text) }
    let decryptor = try options.decryptor(store, scheduler)
    let run = FileRun(
      plan: plan, inputs: inputs, replaces: false, report: report, scheduler: scheduler,
      console: console, leftovers: leftovers,
      keystore: store.ofRun(isNeeded: options.keyring.isEmpty), toTerminal: .nothing,
      discardingOutput: true,
      reporting: json.map { .json($0) }
        ?? .text { [print0] input, outcome in
          guard outcome.result == .done else { return }
          if print0 { return try console.reportName(input) }
          if !console.isQuiet { try console.report("\(Text.printable(input)): OK") }
        },
      work: { source, _ in
        let message = try decryptor.open(source)
        return .transfer { sink, progress in try message.decrypt(to: sink, progress: progress) }
      }
    )
    try store.recording(run.run)
  }
}
