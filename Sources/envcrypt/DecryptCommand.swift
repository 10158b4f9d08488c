import ArgumentParser
import Envelope

struct DecryptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decrypt",
    abstract: "Decrypt files, or standard input.",
    discussion: """
      The message says which key it wants; armor is recognised. A file appears only when all of it \
      is verified. Into a pipe, frames are written as they are verified: check the exit status \
      before you rely on what came out.

      Examples:
        envcrypt decrypt notes.txt.envc                   makes notes.txt
        envcrypt decrypt db.envc -o - | psql db           into a pipe
        envcrypt decrypt -c purpose=backup db.dump.envc   only with that context
        envcrypt decrypt --keyring escrow.json f.envc     with an exported key
        envcrypt decrypt -R /mnt/backup -o restored       a tree
      """)

  @OptionGroup var inputs: InputOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var options: DecryptionOptions
  @OptionGroup var parallel: ParallelOptions
  @OptionGroup var report: ReportOptions

  func run() throws {
    let console = Console(isQuiet: report.quiet)
    let plan = try FilePlan(inputs, output: output.output, naming: .decrypt)
    let scheduler = parallel.scheduler()
    let decryptor = try options.decryptor(scheduler)
    try FileRun(
      plan: plan, inputs: inputs, replaces: output.force, report: report, scheduler: scheduler,
      console: console, toTerminal: .text
    ) { source, sink, progress in
      try decryptor.decrypt(from: source, to: sink, progress: progress)
    }.run()
  }
}
