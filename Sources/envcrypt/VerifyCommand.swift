import ArgumentParser
import Envelope

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that messages are complete and can be decrypted, without writing them.",
    discussion: """
      Reads and authenticates everything that decrypt would, and writes nothing. Prints "NAME: OK" \
      for each good message; a script can use the exit status. If a tree or a list contains no \
      message, the exit status is 66: a check of nothing is not a success.

      Examples:
        envcrypt verify *.envc
        for f in *.envc; do envcrypt verify -q "$f" || echo "$f is damaged"; done
        envcrypt verify -R /mnt/backup
      """)

  @OptionGroup var inputs: InputOptions
  @OptionGroup var filter: FilterOptions
  @OptionGroup var naming: NamingOptions
  @OptionGroup var options: DecryptionOptions
  @OptionGroup var parallel: ParallelOptions
  @OptionGroup var report: ReportOptions

  func run() throws {
    let console = Console(isQuiet: report.quiet)
    let plan = try FilePlan(
      inputs, output: nil, naming: .none, suffix: naming.value, selection: filter.selection(),
      keystoreFiles: options.keystore.files())
    let scheduler = parallel.scheduler()
    let leftovers = Leftovers()
    let store = try options.store(ofManyFiles: inputs.areMany ? leftovers : nil)
    let decryptor = try options.decryptor(store, scheduler)
    let run = FileRun(
      plan: plan, inputs: inputs, replaces: false, report: report, scheduler: scheduler,
      console: console, leftovers: leftovers,
      keystore: store.obstacle(endsRun: options.keyring.isEmpty), toTerminal: .nothing,
      discardingOutput: true,
      done: { input, _ in
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
