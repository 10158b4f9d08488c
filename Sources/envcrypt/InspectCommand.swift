import ArgumentParser
import Envelope
import KMSService
import SystemPackage

struct InspectCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show the header of a message. Needs no key.",
    discussion: """
      Shows which keys open the message, its encryption context, algorithm suite and size. None of \
      this is authenticated: 'verify' does that, with a key.

      Examples:
        envcrypt inspect db.envc
        envcrypt inspect --json *.envc
      """)

  @Argument(
    help: ArgumentHelp("Files to read; none or '-' is standard input.", valueName: "file"),
    completion: .file())
  var files: [String] = []

  @Option(
    help: ArgumentHelp("The maximum number of encrypted data keys in a message.", valueName: "n"))
  var maxEncryptedDataKeys = HeaderLimits.standard.encryptedDataKeys

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  mutating func validate() throws {
    guard (1...Int(UInt16.max)).contains(maxEncryptedDataKeys) else {
      throw ValidationError("--max-encrypted-data-keys must be 1 to \(UInt16.max)")
    }
  }

  func run() throws {
    let console = keystore.console()
    // Without a readable keystore, messages can still be inspected.
    let service = try keystore.serviceForShowing()
    var reports: [MessageReport] = []
    var statuses: Set<ExitStatus> = []
    let paths = files.isEmpty ? ["-"] : files.map(FilePath.init(argument:))
    for path in paths {
      do {
        let report = try report(on: path, service)
        if !json { console.output((reports.isEmpty ? "" : "\n") + report.text) }
        reports.append(report)
      } catch {
        let failure = Failure(error)
        let named = failure.about(
          path == "-" || failure.names(path) ? nil : Text.printable(path))
        statuses.insert(failure.status)
        console.error(named.message, hint: named.hint)
      }
    }
    if json { try console.json(["Messages": reports]) }
    if let status = ExitStatus.first(of: statuses) { throw ExitCode(status.rawValue) }
  }

  private func report(on path: FilePath, _ service: KeyService?) throws -> MessageReport {
    let descriptor = path == "-" ? Descriptor.standardInput : try Descriptor.openInput(path)
    let inspection = try MessageInspector.inspect(
      descriptor, limits: HeaderLimits(encryptedDataKeys: maxEncryptedDataKeys))
    return MessageReport(file: path, inspection) { try? service?.identify($0) }
  }
}
