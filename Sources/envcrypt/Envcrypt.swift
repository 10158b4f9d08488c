import ArgumentParser
import CProcess
import Envelope
import Glibc

/// The tool: parses the arguments, runs the command, and turns errors into a message and an exit
/// status.
@main
struct Envcrypt: ParsableCommand {
  static let version = "0.2.0"

  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "envcrypt",
      abstract: "Encrypt files and pipes under master keys kept in one file.",
      discussion: """
        Every file gets its own data key; a master key in the keystore wraps it. The output is an \
        AWS Encryption SDK message, which any AWS Encryption SDK opens with the exported key.

        Examples:
          envcrypt init                               make a keystore and a first key
          envcrypt encrypt notes.txt                  notes.txt.envc, beside it
          envcrypt decrypt notes.txt.envc             notes.txt again
          pg_dump db | envcrypt encrypt > db.envc     in a pipe
          envcrypt decrypt db.envc -o - | psql db
          envcrypt verify *.envc                      are my backups whole?
          envcrypt inspect db.envc                    which key opens it?
          envcrypt reencrypt -R /mnt -k alias/new     move to another key
          envcrypt exec secrets.env.envc -- ./server  run with decrypted variables
          envcrypt edit secrets.env.envc              change the plaintext in an editor
          envcrypt config                             which settings are in force?

        Exit status: 0 done and verified; 3 done, but an input changed while it was read, or \
        disappeared; 64 usage; 65 not authentic, truncated or not a message; 66 no input, or no \
        message in it; 69 key not available; 70 internal error; 71 out of memory; 73 cannot create \
        output; 74 I/O error, or a use of a key that could not be recorded; 75 nothing done, because \
        of --dry-run of 'kms'; 77 not permitted; 78 bad keystore or configuration; 126 and 127 the \
        command of 'exec' cannot be run, or does not exist. If several files fail, the first of \
        65, 77, 69, 78, 70, 71, 74, 73, 64, 66, 3 that occurred.
        """,
      version: "envcrypt \(version) (\(LibCrypto.version))",
      subcommands: [
        EncryptCommand.self, DecryptCommand.self, VerifyCommand.self, ReencryptCommand.self,
        InspectCommand.self, ExecCommand.self, EditCommand.self,
        InitCommand.self, KeyCommand.self, AliasCommand.self, DataKeyCommand.self, KMSCommand.self,
        KeystoreCommand.self, TemplateCommand.self, ConfigCommand.self,
      ])
  }

  static func main() {
    envcrypt_prepare_memory()
    StandardDescriptors.complete()
    ProcessPrivacy.begin()
    // A closed pipe is then an ordinary error, and files are cleaned up. After that the process
    // raises SIGPIPE, as a shell expects.
    envcrypt_ignore_write_signals()
    var console = Console()
    do {
      let arguments = try ArgumentBytes.processArguments()
      var command = try PlainArguments.command(arguments) ?? parse(arguments)
      if let command = command as? any CommandWithKeystore { console = command.keystore.console() }
      do {
        try Settings.load()
      } catch  where isHelp(command) {
        // Help is there in spite of a mistake in the configuration file.
      }
      try command.run()
    } catch let status as ExitCode {
      Glibc.exit(status.rawValue)
    } catch let failure as Failure {
      failure.end(on: console)
    } catch  where exitCode(for: error) == .success {
      // The parser throws help, version and completion scripts, although they are not errors.
      console.output(fullMessage(for: error))
    } catch  where exitCode(for: error) == .validationFailure {
      let path = try? CommandPath(self, in: ArgumentBytes.processArguments())
      Failure(parserMessage: message(for: error), help: path?.help ?? "envcrypt help")
        .end(on: console)
    } catch {
      Failure(error).end(on: console)
    }
  }

  private static func isHelp(_ command: any ParsableCommand) -> Bool {
    type(of: command).configuration.commandName == "help"
  }

  /// Returns the command that the arguments describe. Throws `Failure`, or an error of the parser.
  static func parse(_ arguments: [String]) throws -> any ParsableCommand {
    let arguments = try CommandPath.helpFirst(arguments, of: self)
    if arguments.first == "help" { return try parseAsRoot(arguments) }
    let path = try CommandPath(self, in: arguments)
    // KMSArguments parses the rest of 'kms', which is as in the AWS CLI.
    guard path.last != KMSCommand.self, path.last.configuration.subcommands.isEmpty else {
      return try parseAsRoot(arguments)
    }
    // The arguments after '--' are the command of 'exec'.
    let own = path.last == ExecCommand.self ? arguments.prefix { $0 != "--" } : arguments[...]
    let parsed = try parseAsRoot(
      own[..<path.length] + ArgumentRewriting.rewrite(own[path.length...], of: path.last))
    guard var exec = parsed as? ExecCommand else { return parsed }
    exec.command = Array(arguments[own.endIndex...].dropFirst())
    return exec
  }
}
