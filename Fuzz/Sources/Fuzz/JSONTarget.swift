import Foundation

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import KMSTemplates

extension FuzzTarget {
  /// A JSON text. The reader accepts the same texts as Foundation and reads the same values, as far
  /// as both claim to read JSON. The document is written and read again, and no shape traps a
  /// decoder.
  static let json = FuzzTarget("json") { bytes in
    let result = Result { () throws(JSONError) in try JSONDocument(.plain(bytes)) }
    let secret = Result { () throws(JSONError) in
      try JSONDocument(secret: SecretBytes(copying: bytes.span.bytes))
    }
    switch result {
    case .failure(let error):
      require(error.position.line >= 1 && error.position.column >= 1, "a place before the text")
      guard case .failure(error) = secret else { fatalError("a secret text is read otherwise") }
      if error.isMalformed { require(!isStrict(bytes), "Foundation reads it: \(error)") }
    case .success(let document):
      guard case .success(let other) = secret else { fatalError("a secret text is not read") }
      let text = written(document, .compact)
      require(written(other, .compact) == text, "a secret text has other values")
      for layout in [JSONLayout.compact, .awsCLI, .keyringFile] {
        let again = try JSONDocument(.plain(written(document, layout)))
        require(written(again, .compact) == text, "it is not read as it was written")
      }
      compare(document, bytes)
      try decode(document)
    }
  }

  private static func written(_ document: JSONDocument, _ layout: JSONLayout) -> [UInt8] {
    var writer = JSONWriter(layout)
    writer.copy(document.root)
    return writer.finish().withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }
  }

  // MARK: Foundation

  private static func foundation(_ bytes: [UInt8]) -> Any? {
    try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
  }

  /// True if Foundation reads the text without one of its extensions: other encodings, byte order
  /// marks, commas before a closing bracket.
  private static func isStrict(_ bytes: [UInt8]) -> Bool {
    guard !bytes.contains(0), !bytes.starts(with: [0xEF, 0xBB, 0xBF]),
      String(validating: bytes, as: UTF8.self) != nil
    else { return false }
    var last: UInt8 = 0
    for byte in bytes where !" \t\r\n".utf8.contains(byte) {
      if last == UInt8(ascii: ","), "]}".utf8.contains(byte) { return false }
      last = byte
    }
    return foundation(bytes) != nil
  }

  private static func compare(_ document: JSONDocument, _ bytes: [UInt8]) {
    // Foundation refuses numbers that do not fit into a double.
    guard let theirs = foundation(bytes) else {
      require(!hasOnlySmallNumbers(document.root), "Foundation does not read it")
      return
    }
    require(isEqual(document.root, theirs), "Foundation reads another value")
  }

  private static func hasOnlySmallNumbers(_ value: JSONValue) -> Bool {
    switch value.content {
    case .object(let object): object.members.allSatisfy { hasOnlySmallNumbers($0.value) }
    case .array(let values): values.allSatisfy(hasOnlySmallNumbers)
    case .number(let number): number.text.utf8.count < 16 && number.isInteger
    default: true
    }
  }

  private static func isEqual(_ value: JSONValue, _ theirs: Any) -> Bool {
    switch value.content {
    case .object(let object):
      guard let theirs = theirs as? [String: Any] else { return false }
      // Names that are equal in Unicode are one key of a dictionary.
      guard Set(object.members.map(\.name)).count == object.members.count else { return true }
      return theirs.count == object.members.count
        && object.members.allSatisfy { member in
          theirs[member.name].map { isEqual(member.value, $0) } ?? false
        }
    case .array(let values):
      guard let theirs = theirs as? [Any], theirs.count == values.count else { return false }
      return zip(values, theirs).allSatisfy(isEqual)
    case .string(let text):
      return (theirs as? String).map { $0.utf8.elementsEqual(text.utf8) } ?? false
    case .number(let number):
      guard let theirs = theirs as? NSNumber else { return false }
      return number.integer().map { $0 == theirs.int64Value } ?? true
    case .bool(let bool): return theirs as? Bool == bool
    case .null: return theirs is NSNull
    }
  }

  // MARK: Shapes

  private static func decode(_ document: JSONDocument) throws {
    if let context: EncryptionContext = decoded(document) {
      let text = try APICoding.text(of: context)
      require(
        try APICoding.decode(EncryptionContext.self, from: text) == context,
        "a context does not come back")
    }
    if let constraints: GrantConstraints = decoded(document) {
      let again = try GrantConstraints(storedText: constraints.storedText())
      require(again == constraints, "constraints do not come back")
    }
    if let tags: [Tag] = decoded(document) {
      require(
        try APICoding.decode([Tag].self, from: APICoding.text(of: tags)) == tags,
        "tags do not come back")
    }
    if let numbers: [String: [Int8]] = decoded(document) {
      require(
        try APICoding.decode([String: [Int8]].self, from: APICoding.text(of: numbers)) == numbers,
        "numbers do not come back")
    }
    let _: CreateGrantRequest? = decoded(document)
    let _: GenerateDataKeyRequest? = decoded(document)
    let _: ImportKeyMaterialRequest? = decoded(document)
    let _: Stack? = decoded(document)
    let _: KeyMetadata? = decoded(document)
  }

  private static func decoded<Shape: Decodable>(_ document: JSONDocument) -> Shape? {
    do {
      return try APICoding.decode(Shape.self, from: document.root)
    } catch let error as DecodingError {
      require(!"\(error)".isEmpty, "an error that says nothing")
    } catch let error as MessageError {
      require(
        Shape.self == EncryptionContext.self || Shape.self == GrantConstraints.self, "\(error)")
    } catch {
      fatalError("an error that nobody explains: \(error)")
    }
    return nil
  }
}
