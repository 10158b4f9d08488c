import Envelope
import SystemPackage

/// The variables in plaintexts: lines `NAME=value` (`DotenvReader`), or a JSON object of strings.
struct SecretVariables {
  /// In the order of their first appearance.
  private(set) var variables: [SecretVariable] = []

  /// Reads the variables of one plaintext, in which each name occurs once. Throws `VariableError`, and
  /// `JSONError` if an object is not JSON.
  init(_ plaintext: consuming SecretBytes) throws {
    let isJSON = plaintext.withBytes(Self.isObject)
    if isJSON {
      variables = try Self.members(of: plaintext)
    } else {
      variables = try plaintext.withBytes { try DotenvReader.read($0) }
    }
    var names: Set<String> = []
    for variable in variables where !names.insert(variable.name).inserted {
      throw VariableError(line: variable.line, reason: "\(variable.name) occurs twice")
    }
  }

  init() {}

  /// Adds the variables of a file, which replace those of the same name.
  mutating func add(_ others: SecretVariables, of file: FilePath) {
    for var variable in others.variables {
      variable.file = file
      if let index = variables.firstIndex(where: { $0.name == variable.name }) {
        variables[index] = variable
      } else {
        variables.append(variable)
      }
    }
  }

  /// Keeps only the variables of these names. Returns a name that there is no variable for, if there
  /// is one.
  mutating func keep(_ names: [String]) -> String? {
    let wanted = Set(names)
    variables.removeAll { !wanted.contains($0.name) }
    let found = Set(variables.map(\.name))
    return names.first { !found.contains($0) }
  }

  /// True if the first byte that is not white space begins a JSON object: no line `NAME=value`
  /// begins so.
  private static func isObject(_ text: RawSpan) -> Bool {
    text.withUnsafeBytes { text in
      let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
      let rest = text.starts(with: mark) ? text.dropFirst(mark.count) : text[...]
      return rest.first { ![0x09, 0x0A, 0x0D, 0x20].contains($0) } == UInt8(ascii: "{")
    }
  }

  private static func members(of plaintext: consuming SecretBytes) throws -> [SecretVariable] {
    var limits = JSONLimits()
    limits.allowsByteOrderMark = true
    let object = try JSONDocument(secret: plaintext, limits: limits).root.object
    return try object?.members.map { try variable($0) } ?? []
  }

  private static func variable(_ member: JSONObject.Member) throws -> SecretVariable {
    let line = member.position.line
    let name = Text.printable(member.name)
    guard SecretVariable.isName(member.name.utf8) else {
      throw VariableError(line: line, reason: "'\(name)' is not a name: \(nameRule)")
    }
    guard let value = member.value.secretText() else {
      throw VariableError(
        line: line,
        reason: "\(name) is \(member.value.kind): a variable is a string, a number, true or false")
    }
    let variable = SecretVariable(member.name, line: line, capacity: value.count) { target in
      value.withBytes { bytes in bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
      return value.count
    }
    let hasNUL = value.withBytes { bytes in bytes.withUnsafeBytes { $0.contains(0) } }
    guard !hasNUL else { throw VariableError(line: line, reason: "\(name) \(nulRule)") }
    return variable
  }

  static let nameRule =
    "a name has only letters, digits and '_', and does not begin with a digit"
  static let nulRule = "contains a NUL character, which no variable can"
}
