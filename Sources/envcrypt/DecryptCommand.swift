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
        envcrypt decrypt --offset 1G --length 4K disk.img.envc   a part of a large one

      A part is read without the rest: only the frames that hold it, and the final one, so that a \
      truncated message is noticed. What the other frames hold is not looked at: verify tells. \
      Without -o a part goes to standard output.

      A file is on the disk before it gets its name. It gets the message's mode within the umask, \
      and with --recursive exactly; so do the directories that are made. A tree without a message \
      in it is exit status 66.
      """)

  @OptionGroup var inputs: InputOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var options: DecryptionOptions
  @Option(
    help: ArgumentHelp(
      "Decrypt from this byte of the plaintext on.",
      discussion: "A number of bytes, or of KiB, MiB, GiB, TiB with K, M, G, T behind it.",
      valueName: "bytes"))
  var offset: ByteCount?

  @Option(
    help: ArgumentHelp("Decrypt so many bytes, or as many as there are.", valueName: "bytes"))
  var length: ByteCount?

  @Flag(help: "Read a part of a signed message, whose signature covers the whole.")
  var ignoreSignature = false

  @OptionGroup var parallel: ParallelOptions
  @OptionGroup var report: ReportOptions

  private var isPart: Bool { offset != nil || length != nil }

  mutating func validate() throws {
    if isPart, inputs.areMany {
      throw ValidationError("--offset and --length take a part of one message")
    }
    if ignoreSignature, !isPart {
      throw ValidationError("--ignore-signature goes with --offset or --length")
    }
  }

  func run() throws {
    let console = Console(isQuiet: report.quiet)
    let plan = try FilePlan(
      inputs, output: output.output ?? (isPart ? "-" : nil), naming: .decrypt,
      keystoreFiles: options.keystore.files())
    let scheduler = parallel.scheduler()
    let leftovers = Leftovers()
    let store = try options.store(ofManyFiles: inputs.areMany ? leftovers : nil)
    let decryptor = try options.decryptor(store, scheduler)
    let run = FileRun(
      plan: plan, inputs: inputs, replaces: output.force, synchronizes: !output.noSync,
      report: report, scheduler: scheduler, console: console, leftovers: leftovers,
      toTerminal: .text
    ) { [isPart, offset, length, ignoreSignature] source, _ in
      let message = try decryptor.open(source)
      return .transfer { sink, progress in
        guard isPart else {
          return try message.decrypt(to: sink, progress: progress)
        }
        let count = try message.decrypt(
          from: offset?.bytes ?? 0, count: length?.bytes, to: sink,
          ignoringSignature: ignoreSignature, progress: progress)
        return MessageSummary(header: message.header, plaintextCount: count)
      }
    }
    try store.recording(run.run)
  }
}
