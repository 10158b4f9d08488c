import Envelope
import Foundation
import KMSAPI
import SystemPackage

/// Reads the values of options as the AWS CLI does, according to the type of the value.
struct KMSValueReader {
  var blobForm = APICoding.BlobForm.base64
  /// The directory that `~` means.
  var home: FilePath?

  private static let fileLimit = 1 << 20

  /// Returns the value that the tokens of an option describe.
  func value<Value: Decodable>(
    _ type: Value.Type, _ tokens: [String], option: String
  ) throws -> Value {
    if let type = type as? any KMSList.Type {
      return try list(type, tokens, option) as! Value
    }
    guard isComposite(type) else {
      let token = try KMSArguments.single(tokens, option)
      return try value(type, .text(token, isReference: true), At(option))
    }
    guard let first = tokens.first else { throw KMSArgumentError.missingValue(option) }
    let whole = tokens.count == 1 ? try contents(first, option) : join(tokens)
    return try composite(type, whole, option)
  }

  /// Returns the members of a JSON object.
  func members(
    _ token: String, of options: [KMSOption], option: String
  ) throws -> KMSJSONMembers {
    let value =
      try token.hasPrefix("file://")
      ? json(file: token, option) : json(contents(token, option), option)
    try check(value, .structure(options), option)
    return try decode(KMSJSONMembers.self, value, option)
  }

  private func isComposite<Value: Decodable>(_ type: Value.Type) -> Bool {
    switch type {
    case is String.Type, is Int.Type, is Bool.Type, is Date.Type, is Blob.Type, is SecretBlob.Type,
      is any APIEnumeration.Type:
      false
    default: true
    }
  }

  // MARK: Lists, maps and structures

  /// Reads a list from several tokens, or from one token that is a JSON array.
  private func list<List: KMSList>(
    _ type: List.Type, _ tokens: [String], _ option: String
  ) throws -> List {
    if tokens.count == 1 {
      let whole = try contents(tokens[0], option)
      if begins(whole, with: "[") { return try checkedJSON(type, whole, option) }
      if isFile(tokens[0]) {
        throw KMSArgumentError.malformed(option, "the file is not a JSON array")
      }
    }
    return List(
      elements: try tokens.map { token in
        isComposite(List.Element.self)
          ? try composite(List.Element.self, token, option)
          : try value(List.Element.self, .text(token, isReference: false), At(option))
      })
  }

  /// Reads a value from JSON or shorthand.
  private func composite<Value: Decodable>(
    _ type: Value.Type, _ text: String, _ option: String
  ) throws -> Value {
    if begins(text, with: "{") { return try checkedJSON(type, text, option) }
    let shorthand: KMSShorthand
    do {
      shorthand = try KMSShorthand.parse(text)
    } catch {
      throw KMSArgumentError.malformed(option, error.problem)
    }
    return try value(type, shorthand, At(option))
  }

  /// Joins the words of a value that the shell has split: JSON with spaces, shorthand with commas.
  private func join(_ tokens: [String]) -> String {
    if begins(tokens[0], with: "{") { return tokens.joined(separator: " ") }
    return tokens.dropFirst().reduce(tokens[0]) { $0 + ($0.hasSuffix(",") ? "" : ",") + $1 }
  }

  private func begins(_ text: String, with scalar: Unicode.Scalar) -> Bool {
    text.unicodeScalars.first { !$0.properties.isWhitespace } == scalar
  }

  // MARK: One value

  /// A place in the value of an option: the option and the path of members to it.
  private struct At {
    let option: String
    var path = ""

    init(_ option: String) { self.option = option }

    func inside(_ member: String) -> At {
      var inner = self
      inner.path += path.isEmpty ? member : ".\(member)"
      return inner
    }

    func wrong(_ what: String) -> KMSArgumentError {
      .malformed(option, path.isEmpty ? what : "\(path): \(what)")
    }
  }

  private func value<Value: Decodable>(
    _ type: Value.Type, _ shorthand: KMSShorthand, _ at: At
  ) throws -> Value {
    if let type = type as? any KMSList.Type {
      return try list(type, shorthand, at) as! Value
    }
    if !isComposite(type) {
      guard case .text(let token, let isReference) = shorthand else {
        throw at.wrong("expected one value, not several; quote a value that has a comma")
      }
      return try scalar(type, token, isReference: isReference, at)
    }
    guard case .hash(let pairs) = shorthand else { throw at.wrong("expected key=value pairs") }
    if type == EncryptionContext.self {
      // Keys in shorthand are ASCII, and each occurs only once.
      var context = EncryptionContext()
      for (key, inner) in pairs {
        try context.insert(key, try value(String.self, inner, at.inside(key)))
      }
      return context as! Value
    }
    guard case .structure(let members) = try KMSOption.kind(of: type) else {
      throw at.wrong("shorthand cannot express it; use JSON")
    }
    for key in pairs.keys.sorted() where !members.contains(where: { $0.member == key }) {
      throw KMSArgumentError.unknownMember(
        key, option: at.option, known: members.map(\.member))
    }
    for member in members where member.isRequired && pairs[member.member] == nil {
      throw at.wrong("\(member.member) is missing")
    }
    return try Pairs(pairs: pairs, reader: self, at: at).shape(type)
  }

  /// Reads a list; a single value is a list of one element.
  private func list<List: KMSList>(
    _ type: List.Type, _ shorthand: KMSShorthand, _ at: At
  ) throws -> List {
    let items = if case .list(let items) = shorthand { items } else { [shorthand] }
    return List(elements: try items.map { try value(List.Element.self, $0, at) })
  }

  private struct Pairs: KMSMembers {
    let pairs: [String: KMSShorthand]
    let reader: KMSValueReader
    let at: At

    func contains(_ property: String) -> Bool { pairs[APIName.member(property)] != nil }

    func value<Value: Decodable>(_ type: Value.Type, _ property: String) throws -> Value {
      let member = APIName.member(property)
      guard let shorthand = pairs[member] else { throw at.wrong("\(member) is missing") }
      return try reader.value(type, shorthand, at.inside(member))
    }
  }

  private func scalar<Value: Decodable>(
    _ type: Value.Type, _ token: String, isReference: Bool, _ at: At
  ) throws -> Value {
    if type == Blob.self {
      return Blob(try blob(token, isReference, at)) as! Value
    }
    if type == SecretBlob.self {
      if isReference, token.hasPrefix("fileb://") {
        return SecretBlob(try secretFile(token)) as! Value
      }
      let bytes = try blob(token, isReference, at)
      return SecretBlob(SecretBytes(copying: bytes.span.bytes)) as! Value
    }
    let token = isReference ? try contents(token, at.option) : token
    let text = try text(ofToken: token, at.option)
    let word = text.trimmingCharacters(in: .whitespacesAndNewlines)
    let found: (any Decodable)?
    let wanted: String
    switch type {
    case is String.Type: return text as! Value
    case is Int.Type: (found, wanted) = (Int(word), "'\(word)' is not a whole number")
    case is Bool.Type:
      (found, wanted) = (Bool(word.lowercased()), KMSArguments.notOne(word, of: ["true", "false"]))
    case is Date.Type:
      (found, wanted) = (
        APICoding.date(from: word),
        "'\(word)' is not a date: 2026-11-23T20:15:00Z, or seconds since 1970"
      )
    case let type as any APIEnumeration.Type:
      (found, wanted) = (
        type.init(rawValue: word), KMSArguments.notOne(word, of: type.supportedValues)
      )
    default: preconditionFailure("\(type) is not a scalar")
    }
    guard let found else { throw at.wrong(wanted) }
    return found as! Value
  }

  // MARK: Bytes, text and files

  private func blob(_ token: String, _ isReference: Bool, _ at: At) throws -> [UInt8] {
    if isReference, token.hasPrefix("fileb://") { return try file(token) }
    let bytes =
      isReference && isFile(token) ? try file(token) : ArgumentBytes.bytes(of: token)
    if blobForm == .raw { return bytes }
    // base64(1) writes line breaks: ignore white space.
    let text = bytes.filter { $0 != UInt8(ascii: " ") && !(0x09...0x0D).contains($0) }
    guard let blob = Blob(base64: String(decoding: text, as: UTF8.self)) else {
      throw KMSArgumentError.notBase64(at.option)
    }
    return blob.bytes
  }

  private func isFile(_ token: String) -> Bool {
    token.hasPrefix("file://") || token.hasPrefix("fileb://")
  }

  /// Returns the token, or the contents of the file that it names, in the encoding of
  /// `ArgumentBytes`.
  private func contents(_ token: String, _ option: String) throws -> String {
    guard isFile(token) else { return token }
    let bytes = try file(token)
    guard token.hasPrefix("file://"), String(validating: bytes, as: UTF8.self) != nil else {
      throw KMSArgumentError.malformed(
        option, "expected text, but \(token) is not; use file:// for a file in UTF-8")
    }
    return ArgumentBytes.string(from: bytes)
  }

  private func file(_ token: String) throws -> [UInt8] {
    try SmallFile.read(path(token), limit: Self.fileLimit, as: "value of an option")
  }

  private func secretFile(_ token: String) throws -> SecretBytes {
    try SmallFile.readSecret(path(token), limit: Self.fileLimit, as: "value of an option")
  }

  /// Returns the path in a token with a scheme.
  private func path(_ token: String) -> FilePath {
    let scheme = token.hasPrefix("fileb://") ? "fileb://" : "file://"
    var path = FilePath(argument: String(token.dropFirst(scheme.count)))
    if path == "-" { path = "./-" }
    if let home, path.components.first == "~", path.isRelative {
      path.components.removeFirst()
      path = home.pushing(path)
    }
    return path
  }

  private func text(ofToken token: String, _ option: String) throws -> String {
    guard let text = String(validating: ArgumentBytes.bytes(of: token), as: UTF8.self) else {
      throw KMSArgumentError.malformed(option, "'\(token)' is not UTF-8")
    }
    return text
  }

  // MARK: JSON

  private func checkedJSON<Value: Decodable>(
    _ type: Value.Type, _ token: String, _ option: String
  ) throws -> Value {
    let value = try json(token, option)
    try check(value, try KMSOption.kind(of: type), option)
    return try decode(type, value, option)
  }

  private static let jsonLimits: JSONLimits = {
    var limits = JSONLimits()
    limits.allowsByteOrderMark = true
    return limits
  }()

  private func json(_ token: String, _ option: String) throws -> JSONValue {
    let text = try text(ofToken: token, option)
    do throws(JSONError) {
      return try JSONDocument(text, limits: Self.jsonLimits).root
    } catch {
      throw KMSArgumentError.malformed(option, error.explanation)
    }
  }

  /// Reads JSON from a file. Leaves no copy of the file in memory: it may contain a plaintext.
  private func json(file token: String, _ option: String) throws -> JSONValue {
    let text = try secretFile(token)
    do throws(JSONError) {
      return try JSONDocument(secret: text, limits: Self.jsonLimits).root
    } catch {
      throw KMSArgumentError.malformed(option, error.explanation)
    }
  }

  private func decode<Value: Decodable>(
    _ type: Value.Type, _ value: JSONValue, _ option: String
  ) throws -> Value {
    do {
      return try APICoding.decode(type, from: value, blobs: blobForm)
    } catch let error as DecodingError {
      throw KMSArgumentError.malformed(option, error.problem)
    }
  }

  /// Throws if the value has members that the shape does not have.
  private func check(_ value: JSONValue, _ kind: KMSOption.Kind, _ option: String) throws {
    switch kind {
    case .list(let element):
      for value in value.array ?? [] { try check(value, element, option) }
    case .structure(let members):
      for found in value.object?.members ?? [] {
        guard
          let member = members.first(where: { $0.member.utf8.elementsEqual(found.name.utf8) })
        else {
          throw KMSArgumentError.unknownMember(
            found.name, option: option, known: members.map(\.member))
        }
        try check(found.value, member.kind, option)
      }
    default: break
    }
  }
}
