import ArgumentParser

/// Rewrites the arguments of a command into the forms that the argument parser knows: `-oFILE`
/// becomes `-o=FILE`, and the AWS CLI's names become ours. Values of options, and everything after
/// `--`, stay as they are.
struct ArgumentRewriting {
  private let signature: CommandSignature
  /// The arguments that are not read yet.
  private var rest: ArraySlice<String>
  /// The arguments that were read.
  private var parts: [Part] = []
  /// The arguments that were given as an option of the AWS CLI, under their position.
  private var placed: [Int: [String]] = [:]
  /// The positions in the signature of the options that were given.
  private var given: Set<Int> = []

  fileprivate enum Part {
    case option([String])
    case argument(String)
  }

  /// Returns the rewritten arguments of the command, which do not include its name. Throws
  /// `Failure` if an option that takes one value is given twice: the parser would take the last.
  static func rewrite(
    _ arguments: ArraySlice<String>, of command: any ParsableCommand.Type
  ) throws -> [String] {
    let own = arguments.prefix { $0 != "--" }
    guard mayNeedRewriting(own) else { return Array(arguments) }
    var rewriting = ArgumentRewriting(signature: CommandSignature(command), rest: own)
    return try rewriting.rewritten() + arguments[own.endIndex...]
  }

  private init(signature: CommandSignature, rest: ArraySlice<String>) {
    self.signature = signature
    self.rest = rest
  }

  /// False if there is certainly nothing to rewrite, and no repeated option. All names of an option
  /// begin with the same letter. This saves most command lines the time for the signature.
  private static func mayNeedRewriting(_ arguments: ArraySlice<String>) -> Bool {
    var initials: Set<Character> = []
    for argument in arguments where isOption(argument) {
      if !argument.hasPrefix("--"), argument.count > 2 { return true }
      if spelling(of: argument) != nil { return true }
      guard let initial = argument.first(where: { $0 != "-" }) else { continue }
      if !initials.insert(initial).inserted { return true }
    }
    return false
  }

  /// True if the argument cannot be a value.
  private static func isOption(_ argument: String) -> Bool {
    argument.hasPrefix("-") && argument != "-"
  }

  private static func spelling(of argument: String) -> AWSSpelling? {
    let name = argument.prefix { $0 != "=" }
    return AWSSpelling.all.first { $0.option == name }
  }

  private mutating func rewritten() throws -> [String] {
    while let argument = rest.popFirst() {
      if !Self.isOption(argument) {
        parts.append(.argument(argument))
      } else if try !takeAWSOption(argument) {
        for option in separated(argument) { try add(option) }
      }
    }
    return placed.isEmpty ? parts.flatMap(\.texts) : argumentsFirst()
  }

  // MARK: Options

  /// Separates short options that are written together: `-fqoFILE` is `-f`, `-q` and `-o=FILE`.
  /// Returns any other argument as it is.
  private func separated(_ argument: String) -> [String] {
    if argument.hasPrefix("--") { return [argument] }
    var options: [String] = []
    var letters = argument.dropFirst()
    while let letter = letters.popFirst() {
      let name = "-\(letter)"
      guard let index = signature.index(ofOption: name) else { return [argument] }
      if signature.arguments[index].kind == .option, let next = letters.first {
        return options + [name + (next == "=" ? "" : "=") + letters]
      }
      options.append(name)
    }
    return options
  }

  /// Adds an option in the form `-o`, `-o=VALUE`, `--option` or `--option=VALUE`, with the values
  /// that follow it.
  private mutating func add(_ option: String) throws {
    let name = option.prefix { $0 != "=" }
    var texts = [option]
    if let index = signature.index(ofOption: String(name)),
      signature.arguments[index].kind == .option
    {
      let argument = signature.arguments[index]
      if !argument.isRepeating, !given.insert(index).inserted { throw Self.repeated(argument.name) }
      if argument.takesSeveralValues {
        texts += takeValues()
      } else if name.endIndex == option.endIndex {
        texts += takeValue()
      }
    }
    parts.append(.option(texts))
  }

  private static func repeated(_ name: String) -> Failure {
    Failure(
      .usage, "\(name) is given more than once", hint: "it takes one value; leave out the others")
  }

  /// Takes the next argument if it is a value.
  private mutating func takeValue() -> [String] {
    guard let value = rest.first, !Self.isOption(value) else { return [] }
    rest.removeFirst()
    return [value]
  }

  /// Takes all values up to the next option.
  private mutating func takeValues() -> [String] {
    let values = rest.prefix { !Self.isOption($0) }
    rest.removeFirst(values.count)
    return Array(values)
  }

  // MARK: The AWS CLI's names

  /// Takes an option of the AWS CLI, with its values, as the option or the argument of the command
  /// that has our name for it. Returns false if there is none.
  private mutating func takeAWSOption(_ argument: String) throws -> Bool {
    guard let spelling = Self.spelling(of: argument),
      signature.index(ofOption: spelling.option) == nil
    else { return false }
    let attached = argument.dropFirst(spelling.option.count)
    for name in spelling.names.map({ "--\($0)" }) where signature.index(ofOption: name) != nil {
      let values = spelling.isList && attached.isEmpty ? takeValues() : []
      parts += values.map { .option([name, $0]) }
      if values.isEmpty { try add(name + attached) }
      return true
    }
    guard
      let position = signature.positionals.firstIndex(where: {
        spelling.names.contains($0.valueName ?? "")
      })
    else { return false }
    let values =
      attached.isEmpty
      ? (spelling.isList ? takeValues() : takeValue()) : [String(attached.dropFirst())]
    guard !values.isEmpty, !values.contains(where: Self.isOption) else { return false }
    if placed.updateValue(values, forKey: position) != nil { throw Self.repeated(spelling.option) }
    return true
  }

  /// Returns the arguments, each in its position, and then the options.
  private func argumentsFirst() -> [String] {
    var arguments: [String] = []
    var options: [String] = []
    for part in parts {
      switch part {
      case .argument(let text): arguments.append(text)
      case .option(let texts): options += texts
      }
    }
    for (position, values) in placed.sorted(by: { $0.key < $1.key }) {
      arguments.insert(contentsOf: values, at: min(position, arguments.count))
    }
    return arguments + options
  }
}

extension ArgumentRewriting.Part {
  fileprivate var texts: [String] {
    switch self {
    case .argument(let text): [text]
    case .option(let texts): texts
    }
  }
}
