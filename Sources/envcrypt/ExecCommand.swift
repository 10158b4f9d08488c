import ArgumentParser
import Envelope
import Glibc
import SystemPackage

struct ExecCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "exec",
    abstract: "Run a command with the variables of messages in its environment.",
    usage: "envcrypt exec [<options>] <file> ... -- <command> [<argument> ...]",
    discussion: """
      The plaintext of each message is lines NAME=value, as in a .env file, or a JSON object of \
      strings; docs/secrets.md has the rules. It stays in memory and is on no disk. All messages are \
      verified before the command starts. If two messages have the same variable, the later one counts.

      The command replaces envcrypt: it keeps the process ID and the terminal, gets the signals, and \
      its exit status is the exit status. If the command does not exist, the exit status is 127, and \
      126 if it cannot be run.

      Examples:
        envcrypt exec app.env.envc -- ./server --port 8080
        envcrypt exec -c app=db db.env.envc -- pg_dump mydb
        envcrypt exec common.env.envc prod.env.envc -- ./deploy
        envcrypt exec --only PGPASSWORD all.json.envc -- psql mydb
        envcrypt exec --pristine app.env.envc -- /usr/bin/env

      Processes of the same user and root can read the variables of a running command \
      (/proc/PID/environ), and it hands them on to the commands that it runs. PATH, IFS, LD_PRELOAD \
      and other variables that make programs run other code are refused, unless --allow or --only \
      names them.
      """)

  /// The most bytes of a plaintext: more than a Linux process can take into its environment.
  static let sizeLimit = 1 << 20

  @Argument(
    help: ArgumentHelp("Messages with variables; '-' is standard input.", valueName: "file"),
    completion: .file())
  var files: [String] = []

  @Option(
    help: ArgumentHelp("Pass only this variable, and others given so.", valueName: "name"))
  var only: [String] = []

  @Option(
    help: ArgumentHelp(
      "Pass this variable even if it makes programs run other code, as PATH does.",
      valueName: "name"))
  var allow: [String] = []

  @Flag(help: "Pass no variables besides those of the messages.")
  var pristine = false

  @OptionGroup var options: DecryptionOptions
  var keystore: KeystoreOptions { options.keystore }

  /// The command with its arguments, which the parser does not see.
  var command: [String] = []

  private enum CodingKeys: CodingKey { case files, only, allow, pristine, options }

  func run() throws {
    guard !files.isEmpty, !command.isEmpty else {
      throw Failure(
        .usage, command.isEmpty ? "there is no command to run" : "there is no message to decrypt",
        hint: "envcrypt exec FILE -- COMMAND")
    }
    let store = try options.store(ofManyFiles: nil)
    let unrecorded = Failure(
      .ioError,
      "the audit log does not have the use of the key, so the command was not started",
      hint: "docs/keystore.md says what the audit log needs")
    let variables = try store.recording(orElse: unrecorded) {
      let decryptor = try options.decryptor(store, Scheduler())
      return try chosen(decryptor)
    }
    // The command must not read the passphrase again.
    if let number = options.keystore.passphraseDescriptor, number > STDERR_FILENO {
      _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    }
    let environment = CommandEnvironment(variables, isPristine: pristine)
    throw failure(Errno(rawValue: environment.replaceProcess(by: command)))
  }

  /// Returns the variables of all messages that the command gets.
  private func chosen(_ decryptor: MessageDecryptor) throws -> SecretVariables {
    var variables = SecretVariables()
    for file in files {
      let path = FilePath(argument: file)
      do {
        variables.add(try Self.variables(of: path, decryptor), of: path)
      } catch {
        throw Failure(error, namingFile: path)
      }
    }
    if !only.isEmpty, let missing = variables.keep(only) {
      throw Failure(
        .dataError, "there is no variable '\(Text.printable(missing))'",
        hint: "names are compared as they are written, upper case or lower case")
    }
    for variable in variables.variables {
      do { try requirePassable(variable) } catch { throw Failure(error, namingFile: variable.file) }
    }
    return variables
  }

  private func requirePassable(_ variable: SecretVariable) throws {
    if variable.isDangerous, !allow.contains(variable.name), !only.contains(variable.name) {
      throw VariableError(
        line: variable.line,
        reason: "\(variable.name) can make programs run other code, so it is not passed",
        hint: "if you trust who wrote the message, add: --allow \(variable.name)")
    }
    // The system's limit for one string is 32 pages.
    let limit = 32 * Int(getpagesize())
    guard variable.entry.bytes.count <= limit else {
      throw VariableError(
        line: variable.line,
        reason: "\(variable.name) is too long for an environment: it has more than "
          + Text.size(Int64(limit)),
        hint: "programs read such a value from a file or a pipe: envcrypt decrypt")
    }
  }

  private static func variables(
    of path: FilePath, _ decryptor: MessageDecryptor
  ) throws -> SecretVariables {
    let input = path == "-" ? Descriptor.standardInput : try Descriptor.openInput(path)
    let plaintext = SecretPlaintext(limit: sizeLimit)
    _ = try decryptor.decrypt(from: DescriptorSource(input), to: plaintext)
    return try SecretVariables(plaintext.take())
  }

  private func failure(_ reason: Errno) -> Failure {
    let name = Text.printable(command[0])
    switch reason {
    case .noSuchFileOrDirectory, .notDirectory:
      return Failure(
        .commandNotFound, "there is no command '\(name)', or its interpreter is missing")
    case .argListTooLong:
      return Failure(
        .cannotRun, "'\(name)' cannot be run: too many or too long variables and arguments",
        hint: "--only NAME passes fewer variables; 'ulimit -s' shows four times the limit")
    default:
      return Failure(.cannotRun, "'\(name)' cannot be run: \("\(reason)".lowercasedFirst)")
    }
  }
}

extension Failure {
  /// The failure of a message whose plaintext is used in memory.
  init(_ error: any Error, namingFile path: FilePath) {
    let name = path == "-" ? "standard input" : Text.printable(path)
    switch error {
    case let error as VariableError:
      self.init(
        .dataError, "\(name): line \(error.line): \(error.reason)",
        hint: error.hint ?? "docs/secrets.md has the rules for variables")
    case let error as JSONError:
      self.init(
        .dataError, "\(name): \(error.explanation)",
        hint: "docs/secrets.md has the rules for variables")
    case let error as PlaintextLimitError:
      self.init(
        .dataError, "\(name): the plaintext has more than \(Text.size(Int64(error.limit)))")
    default:
      let failure = Failure(error)
      self = failure.message.contains(name) ? failure : failure.about(name)
    }
  }
}
