/// Reads the JSON of a keyring file.
enum KeyringFileReader {
  /// Keys are three levels deep. Ignored members may nest deeper.
  private static let limits = JSONLimits(depth: 32, values: 1 << 19)

  /// Returns the contents of the file. Throws `KeyringError.malformedFile`, which says what is
  /// wrong and where.
  static func file(_ text: consuming SecretBytes) throws(KeyringError) -> KeyringFile {
    let root = try parse(text)
    guard let file = root.object else { throw wrongType("the file") }
    return KeyringFile(keys: try keys(of: file), aliases: try aliases(of: file))
  }

  private static func aliases(of file: JSONObject) throws(KeyringError) -> [String: String] {
    guard let value = file["aliases"], !value.isNull else { return [:] }
    guard let object = value.object else { throw wrongType("aliases") }
    var aliases: [String: String] = [:]
    for member in object.members {
      guard case .string(let keyID) = member.value.content else {
        throw wrongType("aliases.\(member.name)")
      }
      aliases[member.name] = keyID
    }
    return aliases
  }

  private static func keys(of file: JSONObject) throws(KeyringError) -> [KeyringFile.Entry] {
    guard let keys = file["keys"] else { throw .malformedFile("the file has no 'keys'") }
    switch keys.content {
    case .array(let keys):
      var entries: [KeyringFile.Entry] = []
      for (index, key) in keys.enumerated() { entries.append(try entry(key, "keys.\(index)")) }
      return entries
    // In the manifest of the AWS Encryption SDKs, "keys" is an object; in our files it is an array.
    case .object(let keys):
      let named = keys.members.sorted {
        $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
      }
      var entries: [KeyringFile.Entry] = []
      for key in named { entries.append(try entry(key.value, "keys.\(key.name)")) }
      return entries
    default: throw wrongType("keys")
    }
  }

  private static func parse(_ text: consuming SecretBytes) throws(KeyringError) -> JSONValue {
    do throws(JSONError) {
      return try JSONDocument(secret: text, limits: limits).root
    } catch {
      let place = "line \(error.position.line), column \(error.position.column)"
      switch error.problem {
      case .malformed(let reason):
        throw .malformedFile("it is neither JSON nor a PEM key: \(place): \(reason)")
      case .duplicateName(let name):
        let path = error.path.steps.map(\.text).joined(separator: ".")
        throw .malformedFile("\(path.isEmpty ? "the file" : path) has '\(name.shortened)' twice")
      default: throw .malformedFile("\(place): \(error.reason)")
      }
    }
  }

  private static func entry(
    _ value: JSONValue, _ place: String
  ) throws(KeyringError) -> KeyringFile.Entry {
    guard let object = value.object else { throw wrongType(place) }
    let members = try Members(object, place)
    return KeyringFile.Entry(
      providerID: try members.text("provider-id"), keyID: try members.text("key-id"),
      algorithm: try members.required("algorithm"), type: try members.required("type"),
      bits: members.bits, encoding: try members.required("encoding"),
      material: try members.required(members.material, "material"),
      paddingAlgorithm: try members.known("padding-algorithm"),
      paddingHash: try members.known("padding-hash"))
  }

  private static func wrongType(_ place: String) -> KeyringError {
    .malformedFile("\(place) is of the wrong type")
  }

  private static func unknownValue(_ place: String) -> KeyringError {
    .malformedFile("\(place) has an unknown value")
  }

  /// The members of an entry. Unknown members and null members are ignored.
  private struct Members {
    let place: String
    private(set) var bits: Int?
    private(set) var material: SecretText?
    private var texts: [String: String] = [:]

    init(_ object: JSONObject, _ place: String) throws(KeyringError) {
      self.place = place
      for member in object.members where !member.value.isNull {
        let place = "\(place).\(member.name)"
        switch member.name {
        case "bits":
          guard case .number(let number) = member.value.content else { throw wrongType(place) }
          guard let integer = number.integer() else { throw unknownValue(place) }
          bits = integer
        case "material":
          guard let bytes = member.value.secret() else { throw wrongType(place) }
          material = SecretText(bytes)
        case "provider-id", "key-id", "algorithm", "type", "encoding", "padding-algorithm",
          "padding-hash":
          guard case .string(let text) = member.value.content else { throw wrongType(place) }
          texts[member.name] = text
        default: continue
        }
      }
    }

    func text(_ name: String) throws(KeyringError) -> String { try required(texts[name], name) }

    func known<Value: RawRepresentable<String>>(_ name: String) throws(KeyringError) -> Value? {
      guard let text = texts[name] else { return nil }
      guard let value = Value(rawValue: text) else { throw unknownValue("\(place).\(name)") }
      return value
    }

    func required<Value: RawRepresentable<String>>(_ name: String) throws(KeyringError) -> Value {
      try required(known(name), name)
    }

    func required<Value>(_ value: Value?, _ name: String) throws(KeyringError) -> Value {
      guard let value else { throw .malformedFile("\(place) has no '\(name)'") }
      return value
    }
  }
}

extension JSONPath.Step {
  fileprivate var text: String {
    switch self {
    case .member(let name): name.shortened
    case .element(let index): "\(index)"
    }
  }
}
