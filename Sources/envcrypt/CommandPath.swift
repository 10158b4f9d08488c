import ArgumentParser
import Envelope

extension ParsableCommand {
  /// Returns the failure for a misspelled command of this command or of its subcommands. Nil if no
  /// command is misspelled, or no name is near. For arguments that the parser has refused.
  static func misspelledCommand(in arguments: [String]) -> Failure? {
    var commands = configuration.subcommands
    for name in arguments {
      // Commands with subcommands have no arguments besides.
      if commands.isEmpty || name.hasPrefix("-") { return nil }
      if let command = commands.first(where: { $0._commandName == name }) {
        commands = command.configuration.subcommands
        continue
      }
      let names = commands.map { $0._commandName }
      guard let nearest = NearestName.find(name, in: names) else { return nil }
      return Failure(
        .usage, "unknown command '\(Text.printable(name))'; did you mean '\(nearest)'?",
        hint: "envcrypt help lists the commands; envcrypt help COMMAND explains one")
    }
    return nil
  }
}
