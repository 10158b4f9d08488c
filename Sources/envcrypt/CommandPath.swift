import ArgumentParser
import Envelope

/// The command that arguments name, with the commands that contain it.
struct CommandPath {
  /// The tool itself, then a command, then perhaps commands in it.
  private(set) var commands: [any ParsableCommand.Type]

  /// Finds the command that the first arguments name. Throws `Failure` if one of them should be a
  /// command and is not: commands with subcommands have no arguments besides.
  init(_ root: any ParsableCommand.Type, in arguments: some Sequence<String>) throws {
    commands = [root]
    for name in arguments {
      let choices = last.configuration.subcommands
      if choices.isEmpty || name.hasPrefix("-") { return }
      guard let command = choices.first(where: { $0._commandName == name }) else {
        throw Failure(
          .usage,
          "unknown command '\(Text.printable(name))'"
            + Text.suggestion(NearestName.find(name, in: choices.map { $0._commandName })),
          hint: "\(help) lists the commands")
      }
      commands.append(command)
    }
  }

  /// The command itself.
  var last: any ParsableCommand.Type { commands[commands.count - 1] }

  /// The number of arguments that name the command.
  var length: Int { commands.count - 1 }

  /// "key create"
  var name: String { commands.dropFirst().map { $0._commandName }.joined(separator: " ") }

  /// The command line that explains the command.
  var help: String { (["envcrypt", "help"] + (length > 0 ? [name] : [])).joined(separator: " ") }
}

extension CommandPath {
  /// Puts the word `help` first, because the argument parser knows it only there: `key help create`
  /// becomes `help key create`. The operations of `kms` explain themselves: `help kms encrypt`
  /// becomes `kms encrypt help`. Throws `Failure` if help is wanted for a command that does not
  /// exist.
  static func helpFirst(_ arguments: [String], of root: any ParsableCommand.Type) throws -> [String]
  {
    var path = try CommandPath(root, in: arguments.prefix { $0 != "help" })
    guard arguments.count > path.length, arguments[path.length] == "help",
      !path.last.configuration.subcommands.isEmpty
    else { return arguments }
    let words = arguments[..<path.length] + arguments[(path.length + 1)...]
    path = try CommandPath(root, in: words)
    let rest = words.dropFirst(path.length)
    if path.last == KMSCommand.self, let operation = rest.first {
      return ["kms", operation, "help"]
    }
    if let word = rest.first, !word.hasPrefix("-") {
      throw Failure(
        .usage, "unknown command '\(path.name) \(Text.printable(word))'",
        hint: "\(path.help) explains '\(path.name)'")
    }
    return ["help"] + words
  }
}

extension Text {
  /// Returns "; did you mean 'NAME'?", or nothing without a name.
  static func suggestion(_ name: String?) -> String {
    name.map { "; did you mean '\(printable($0))'?" } ?? ""
  }
}
