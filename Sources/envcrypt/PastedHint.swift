import ArgumentParser
import SystemPackage

/// A hint whose commands work when they are pasted: they name the keystore that the user named.
enum PastedHint {
  /// Returns the hint with `--keystore PATH` in each command that uses the keystore. `option` is the
  /// value of that option; nil if the user did not give it.
  static func text(_ hint: String, option: String?) -> String {
    guard let option else { return hint }
    return text(hint, keystore: Text.shellQuoted(FilePath(argument: option)))
  }

  /// `keystore` is quoted for a shell.
  static func text(_ hint: String, keystore: String) -> String {
    var result = ""
    var rest = Substring(hint)
    while let range = rest.firstRange(of: "envcrypt ") {
      let isWord = rest[..<range.lowerBound].last.map { !$0.isLetter && $0 != "/" } ?? true
      result += rest[..<range.upperBound]
      rest = rest[range.upperBound...]
      guard isWord, let end = endOfCommand(in: rest) else { continue }
      result += rest[..<end]
      rest = rest[end...]
      if !rest.prefix(while: { $0 != ";" }).contains("--keystore") {
        result += " --keystore \(keystore)"
      }
    }
    return result + rest
  }

  /// Returns the end of the words that name a command which uses the keystore; nil if `text` does
  /// not begin with such a command.
  private static func endOfCommand(in text: Substring) -> Substring.Index? {
    var command: any ParsableCommand.Type = Envcrypt.self
    var end = text.startIndex
    while !command.configuration.subcommands.isEmpty {
      let word = Self.word(in: text[end...])
      guard
        let next = command.configuration.subcommands.first(where: { $0._commandName == word.text })
      else { return nil }
      command = next
      end = word.end
    }
    // The operation follows, and then its options.
    if command == KMSCommand.self { return word(in: text[end...]).end }
    // The keystore only adds the names of keys there.
    let needsKeystore =
      command != InspectCommand.self
      && CommandSignature(command).index(ofOption: "--keystore") != nil
    return needsKeystore ? end : nil
  }

  /// Returns the next word, without the space before it.
  private static func word(in text: Substring) -> (text: Substring, end: Substring.Index) {
    let word = text.drop { $0 == " " }.prefix { $0.isLetter || $0 == "-" }
    return (word, word.endIndex)
  }
}
