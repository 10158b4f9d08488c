/// Reads the JSON of a keyring file.
struct KeyringFileReader: ~Copyable {
  private var scanner: JSONScanner

  init(_ text: consuming SecretBytes) { scanner = JSONScanner(text) }

  /// Throws `KeyringError.malformedFile`, which says where and what.
  consuming func keys() throws -> [KeyringFile.Entry] {
    var keys: [KeyringFile.Entry]?
    var place: [String] = []
    do {
      try scanner.object { scanner, name in
        guard name == "keys" else { return try scanner.skip() }
        guard keys == nil else { throw KeyringError.malformedFile("the file has 'keys' twice") }
        place = [name]
        keys = try Self.entries(&scanner, &place)
        place = []
      }
      try scanner.end()
    } catch let failure as JSONScanner.Failure {
      throw KeyringError.malformedFile(Self.explain(failure, at: place))
    }
    guard let keys else { throw KeyringError.malformedFile("the file has no 'keys'") }
    return keys
  }

  /// The manifest of the SDKs names its keys; ours lists them.
  private static func entries(
    _ scanner: inout JSONScanner, _ place: inout [String]
  ) throws -> [KeyringFile.Entry] {
    guard scanner.peek() == UInt8(ascii: "{") else {
      var list: [KeyringFile.Entry] = []
      try scanner.array { scanner, index in
        list.append(try entry(&scanner, named: "\(index)", &place))
      }
      return list
    }
    // Names are bytes: of two that are one to Unicode no key may be lost.
    var named: [[UInt8]: KeyringFile.Entry] = [:]
    try scanner.object { scanner, name in
      named[Array(name.utf8)] = try entry(&scanner, named: name, &place)
    }
    return named.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
  }

  private static func entry(
    _ scanner: inout JSONScanner, named name: String, _ place: inout [String]
  ) throws -> KeyringFile.Entry {
    place.append(name)
    var texts: [String: String] = [:]
    var bits: Int?
    var material: SecretText?
    var seen: Set<String> = []
    try scanner.object { scanner, member in
      guard KeyringFile.Entry.members.contains(member) else { return try scanner.skip() }
      guard seen.insert(member).inserted else {
        throw KeyringError.malformedFile(
          "\(place.joined(separator: ".")) has '\(member)' twice")
      }
      if try scanner.skipNull() { return }
      place.append(member)
      switch member {
      case "bits": bits = try scanner.integer()
      case "material": material = SecretText(try scanner.secret())
      default: texts[member] = try scanner.string()
      }
      place.removeLast()
    }
    let at = place.joined(separator: ".")
    func required<Value>(_ value: Value?, _ member: String) throws -> Value {
      guard let value else { throw KeyringError.malformedFile("\(at) has no '\(member)'") }
      return value
    }
    func known<Value: RawRepresentable<String>>(
      _ type: Value.Type, _ member: String
    ) throws -> Value? {
      guard let text = texts[member] else { return nil }
      guard let value = Value(rawValue: text) else {
        throw KeyringError.malformedFile("\(at).\(member) has a value that is not known")
      }
      return value
    }
    let entry = KeyringFile.Entry(
      providerID: try required(texts["provider-id"], "provider-id"),
      keyID: try required(texts["key-id"], "key-id"),
      algorithm: try required(
        known(KeyringFile.Entry.Algorithm.self, "algorithm"), "algorithm"),
      type: try required(known(KeyringFile.Entry.KeyType.self, "type"), "type"), bits: bits,
      encoding: try required(known(KeyringFile.Entry.Encoding.self, "encoding"), "encoding"),
      material: try required(material, "material"),
      paddingAlgorithm: try known(
        KeyringFile.Entry.PaddingAlgorithm.self, "padding-algorithm"),
      paddingHash: try known(KeyringFile.Entry.PaddingHash.self, "padding-hash"))
    place.removeLast()
    return entry
  }

  private static func explain(_ failure: JSONScanner.Failure, at place: [String]) -> String {
    let name = place.isEmpty ? "the file" : place.joined(separator: ".")
    return switch failure {
    case .notJSON: "it is neither JSON nor a PEM private key"
    case .wrongType: "\(name) is of the wrong type"
    case .wrongValue: "\(name) has a value that is not known"
    }
  }
}

extension KeyringFile.Entry {
  /// The names of the members that mean something.
  fileprivate static let members: Set<String> = [
    "provider-id", "key-id", "algorithm", "type", "bits", "encoding", "material",
    "padding-algorithm", "padding-hash",
  ]
}
