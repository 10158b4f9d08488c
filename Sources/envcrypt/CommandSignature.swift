import ArgumentParser
import Envelope

/// The options and arguments of a command, as the argument parser describes them.
struct CommandSignature {
  struct Argument: Decodable {
    enum Kind: String, Decodable { case positional, option, flag }

    struct Name: Decodable {
      let kind: String
      let name: String

      /// The name with its dashes.
      var text: String { kind == "long" ? "--\(name)" : "-\(name)" }
    }

    let kind: Kind
    let names: [Name]?
    let isRepeating: Bool
    let parsingStrategy: String
    let valueName: String?

    /// The long name with its dashes, or else the short one.
    var name: String { (names?.first { $0.kind == "long" } ?? names?.first)?.text ?? "" }

    /// True if the option takes all arguments up to the next option as its values.
    var takesSeveralValues: Bool { parsingStrategy == "upToNextOption" }
  }

  private struct Dump: Decodable {
    struct Command: Decodable { let arguments: [Argument]? }
    let command: Command
  }

  let arguments: [Argument]

  init(_ command: any ParsableCommand.Type) {
    do {
      let document = try JSONDocument(command._dumpHelp())
      arguments =
        try JSONDecoding().decode(Dump.self, from: document.root).command.arguments ?? []
    } catch {
      preconditionFailure("the parser's description of \(command) cannot be read: \(error)")
    }
  }

  /// Returns the position in `arguments` of the option or flag of this name, which has its dashes.
  func index(ofOption name: String) -> Int? {
    arguments.firstIndex { $0.names?.contains { $0.text == name } ?? false }
  }

  /// The arguments that are not options, in their order.
  var positionals: [Argument] { arguments.filter { $0.kind == .positional } }
}
