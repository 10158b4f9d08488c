import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import TestSupport

/// Converts shapes to JSON and back without Foundation's coders.
@Suite struct JSONCodingTests {
  private func decode<Shape: Decodable>(_ type: Shape.Type, _ json: String) throws -> Shape {
    try JSONDecoding().decode(type, from: try JSONDocument(json).root)
  }

  private func encode(_ value: some Encodable) throws -> String {
    try JSONEncoding().text(of: value)
  }

  /// Returns the kind of the error and its coding path.
  private func problem<Shape: Decodable>(_ type: Shape.Type, _ json: String) -> String {
    do {
      _ = try decode(type, json)
      return "fine"
    } catch let error as DecodingError {
      let (kind, context): (String, DecodingError.Context)
      switch error {
      case .typeMismatch(let type, let found): (kind, context) = ("not \(type)", found)
      case .valueNotFound(let type, let found): (kind, context) = ("no \(type)", found)
      case .keyNotFound(let key, let found):
        (kind, context) = ("no member \(key.stringValue)", found)
      case .dataCorrupted(let found): (kind, context) = (found.debugDescription, found)
      @unknown default: return "\(error)"
      }
      let path = context.codingPath.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }
      return ([kind] + path).joined(separator: " ")
    } catch {
      return "\(error)"
    }
  }

  // MARK: Numbers

  private struct Numbers: Codable, Equatable {
    var int: Int?
    var int8: Int8?
    var int16: Int16?
    var int32: Int32?
    var int64: Int64?
    var uint: UInt?
    var uint8: UInt8?
    var uint16: UInt16?
    var uint32: UInt32?
    var uint64: UInt64?
    var double: Double?
    var float: Float?
  }

  @Test(arguments: [
    ("int", "9223372036854775807", "9223372036854775808"),
    ("int", "-9223372036854775808", "-9223372036854775809"), ("int8", "127", "128"),
    ("int8", "-128", "-129"), ("int16", "32767", "32768"), ("int32", "-2147483648", "-2147483649"),
    ("int64", "9223372036854775807", "99999999999999999999"),
    ("uint", "18446744073709551615", "18446744073709551616"),
    ("uint8", "255", "256"), ("uint8", "0", "-1"), ("uint16", "65535", "65536"),
    ("uint32", "4294967295", "4294967296"), ("uint64", "18446744073709551615", "-1"),
  ])
  func integersHaveTheirRange(member: String, last: String, next: String) throws {
    let json = "{\"\(member)\":\(last)}"
    #expect(try encode(try decode(Numbers.self, json)) == json)
    #expect(problem(Numbers.self, "{\"\(member)\":\(next)}") == "\(next) is out of range \(member)")
    let list = "[" + String(repeating: "{},", count: 3) + "{\"\(member)\":\(next)}]"
    #expect(problem([Numbers].self, list) == "\(next) is out of range 3 \(member)")
  }

  /// Integers must be written as integers. The AWS CLI refuses these numbers too: Python reads them
  /// as floats.
  @Test(arguments: ["4096.0", "1e3", "1.5", "-0.0", "1E400", "1e-400", "0e0"])
  func integersAreWrittenAsSuch(number: String) {
    for member in ["int", "uint8", "int64"] {
      #expect(
        problem(Numbers.self, "{\"\(member)\":\(number)}")
          == "\(number) is not a whole number \(member)")
    }
  }

  @Test(arguments: ["true", "\"1\"", "[1]", "{}"])
  func otherValuesAreNoNumbers(value: String) {
    #expect(problem(Numbers.self, "{\"int\":\(value)}") == "not Int int")
    #expect(problem(Numbers.self, "{\"double\":\(value)}") == "not Double double")
  }

  @Test func longNumbersAreCutOff() {
    let digits = String(repeating: "1", count: 100_000)
    let shown = String(repeating: "1", count: 64) + "…"
    #expect(problem([Int].self, "[\(digits)]") == "\(shown) is out of range 0")
    #expect(problem([Double].self, "[\(digits)]") == "\(shown) is out of range 0")
  }

  @Test func minusZeroIsZero() throws {
    #expect(try decode([Int].self, "[-0]") == [0])
    #expect(try decode([UInt8].self, "[-0]") == [0])
  }

  @Test(arguments: [
    (0.0, "0"), (-0.0, "-0"), (1.5, "1.5"), (1e16, "1e+16"), (1e-7, "1e-07"), (-3, "-3"),
    (1.7976931348623157e308, "1.7976931348623157e+308"), (.leastNonzeroMagnitude, "5e-324"),
    (0.1 + 0.2, "0.30000000000000004"),
  ])
  func doubles(number: Double, text: String) throws {
    #expect(try encode([number]) == "[\(text)]")
    #expect(try decode([Double].self, "[\(text)]") == [number])
  }

  @Test func doublesAreFinite() {
    #expect(problem([Double].self, "[1e400]") == "1e400 is out of range 0")
    for number in [Double.infinity, -.infinity, .nan] {
      #expect(throws: EncodingError.self) { try encode([number]) }
      #expect(throws: EncodingError.self) { try encode(Numbers(double: number)) }
      #expect(throws: EncodingError.self) { try encode(number) }
    }
  }

  // MARK: Shapes

  private struct Inner: Codable, Equatable {
    var name: String
    var flag: Bool?
  }

  private enum Choice: Codable, Equatable {
    case one(Inner)
    case two(first: Int, second: [String])
    case three
  }

  private struct Shape: Codable, Equatable {
    var zulu: String
    var alpha: [Inner]
    var map: [String: [Int]]
    var nested: [[Int?]]
    var choice: [Choice]
    var date: Date?
    var one: Inner?
  }

  private static let shape = Shape(
    zulu: "é\n", alpha: [Inner(name: "x"), Inner(name: "", flag: false)],
    map: ["k y": [1], "": []],
    nested: [[1, nil], []],
    choice: [.one(Inner(name: "n")), .two(first: -1, second: ["s"]), .three],
    date: Date(milliseconds: 1_795_464_900_250), one: nil)

  @Test func shapesComeBack() throws {
    let json = try encode(Self.shape)
    #expect(
      json == #"""
        {"alpha":[{"name":"x"},{"flag":false,"name":""}],"choice":[{"one":{"_0":{"name":"n"}}},{"two":{"first":-1,"second":["s"]}},{"three":{}}],"date":"2026-11-23T20:15:00.250000+00:00","map":{"":[],"k y":[1]},"nested":[[1,null],[]],"zulu":"é\n"}
        """#)
    #expect(try decode(Shape.self, json) == Self.shape)
    #expect(try decode([Shape].self, "[\(json),\(json)]") == [Self.shape, Self.shape])
  }

  @Test func membersMayStandAsDeclared() throws {
    var encoding = JSONEncoding()
    encoding.order = .declared
    #expect(
      try encoding.text(of: Self.shape.choice)
        == #"[{"one":{"_0":{"name":"n"}}},{"two":{"first":-1,"second":["s"]}},{"three":{}}]"#)
    #expect(try encoding.text(of: [Inner(name: "a", flag: true)]) == #"[{"name":"a","flag":true}]"#)
    encoding.order = .sorted
    #expect(try encoding.text(of: [Inner(name: "a", flag: true)]) == #"[{"flag":true,"name":"a"}]"#)
  }

  @Test func ordersAreOfBytes() throws {
    let context: EncryptionContext = [
      "a": "", "B": "", "é": "", "e\u{301}": "", "\u{FFFF}": "", "😀": "", "": "",
    ]
    #expect(
      try encode(context)
        == "{\"\":\"\",\"B\":\"\",\"a\":\"\",\"e\u{301}\":\"\",\"é\":\"\",\"\u{FFFF}\":\"\",\"😀\":\"\"}"
    )
  }

  /// Members that a shape does not have are ignored, whatever their values are. The order does not
  /// matter.
  @Test func unknownMembersArePassedOver() throws {
    let json =
      #"{"x": {"name": 1}, "flag": true, "y": [[], "name"], "name": "n", "Name": 2, "naMe": null}"#
    #expect(try decode(Inner.self, json) == Inner(name: "n", flag: true))
    #expect(
      try decode(Inner.self, #"{"n\u0061me":"n","flag":null}"#) == Inner(name: "n", flag: nil))
  }

  @Test(arguments: [
    ("[]", "not Dictionary<String, Any>"), ("\"x\"", "not Dictionary<String, Any>"),
    ("null", "no Dictionary<String, Any>"),
    ("{}", "no member name"), (#"{"name":null}"#, "no String name"),
    (#"{"name":1}"#, "not String name"),
    (#"{"name":["x"]}"#, "not String name"), (#"{"name":"x","flag":"true"}"#, "not Bool flag"),
    (#"{"name":"x","flag":1}"#, "not Bool flag"),
  ])
  func wrongShapes(json: String, expected: String) {
    #expect(problem(Inner.self, json) == expected)
    #expect(
      problem([Inner].self, "[{\"name\":\"\"},\(json)]").hasPrefix(expected + " 1")
        || expected.contains(" name") || expected.contains(" flag"))
    #expect(problem([String: [Inner]].self, "{\"a\":[\(json)]}").contains(" a 0"))
  }

  @Test func listsAreLists() {
    #expect(problem([Int].self, "{}") == "not Array<Any>")
    #expect(problem([[Int]].self, "[[1],2]") == "not Array<Any> 1")
    #expect(problem([[Int]].self, "[[1],[2,null]]") == "no Int 1 1")
    #expect(problem(String.self, "[]") == "not String")
    #expect(problem([Choice].self, #"[{"four":{}}]"#).hasSuffix(" 0"))
    #expect(problem([Choice].self, #"[{"three":{},"one":{}}]"#).hasSuffix(" 0"))
  }

  @Test(arguments: ["", "x", "{", "[1,]", "\"\u{1}\""])
  func whatIsNoJSONIsADecodingError(json: String) {
    #expect {
      try APICoding.decode([Int].self, from: json)
    } throws: {
      guard case .dataCorrupted(let context)? = $0 as? DecodingError else { return false }
      return context.debugDescription.hasPrefix("it is not JSON: line 1, column ")
        && context.underlyingError is JSONError
    }
  }

  // MARK: Names

  private struct Renamed: Codable, Equatable {
    var keyID: String
    var maps: [String: [String: Int]]
    var inner: Deep?

    struct Deep: Codable, Equatable { var subARN: [Int] }
  }

  /// Names of properties are spelled as in the API. Names that can be any text are data and stay as
  /// they are.
  @Test func namesOfPropertiesAreSpeltAndDataIsNot() throws {
    let shape = Renamed(
      keyID: "k", maps: ["keyID": ["subARN": 1], "KeyId": [:]], inner: .init(subARN: [1]))
    let json = try APICoding.text(of: shape)
    #expect(json.contains("\"KeyId\": \"k\""))
    #expect(json.contains("\"keyID\": {\n            \"subARN\": 1\n        }"))
    #expect(json.contains("\"SubArn\": [\n            1\n        ]"))
    #expect(try APICoding.decode(Renamed.self, from: json) == shape)
    let asTheyAre = try APICoding.text(of: shape, keysAsTheyAre: true)
    #expect(asTheyAre.contains("\"keyID\": \"k\""))
    // Only the API's spelling is accepted.
    #expect(throws: DecodingError.self) { try APICoding.decode(Renamed.self, from: asTheyAre) }
    #expect(throws: DecodingError.self) {
      try APICoding.decode(Renamed.self, from: #"{"keyId": "k", "Maps": {}}"#)
    }
  }

  @Test func choicesAreSpeltToo() throws {
    let choices: [Choice] = [
      .one(Inner(name: "a", flag: true)), .two(first: 1, second: []), .three,
    ]
    let json = try APICoding.text(of: choices)
    #expect(json.contains("\"One\": {"))
    #expect(json.contains("\"First\": 1"))
    #expect(try APICoding.decode([Choice].self, from: json) == choices)
  }

  // MARK: By hand

  private struct ByHand: Codable, Equatable {
    enum Key: String, CodingKey { case list, object, value, more }

    var numbers: [Int]
    var name: String

    init(_ numbers: [Int], _ name: String) { (self.numbers, self.name) = (numbers, name) }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      var list = try container.nestedUnkeyedContainer(forKey: .list)
      var numbers: [Int] = []
      #expect(list.count == 4)
      while !list.isAtEnd {
        if try list.decodeNil() { continue }
        if list.currentIndex == 2 {
          let inner = try list.nestedContainer(keyedBy: Key.self)
          numbers.append(try inner.decode(Int.self, forKey: .value))
        } else if list.currentIndex == 3 {
          var inner = try list.nestedUnkeyedContainer()
          numbers.append(try inner.decode(Int.self))
          #expect(inner.isAtEnd)
          #expect(throws: DecodingError.self) { try inner.decode(Int.self) }
        } else {
          // After a refused decode the element is still the next one.
          #expect(throws: DecodingError.self) { try list.decode(String.self) }
          numbers.append(try list.decode(Int.self))
        }
      }
      self.numbers = numbers
      let object = try container.nestedContainer(keyedBy: Key.self, forKey: .object)
      name = try object.superDecoder(forKey: .more).singleValueContainer().decode(String.self)
      #expect(container.allKeys.map(\.rawValue).sorted() == ["list", "object"])
      #expect(try String(from: container.superDecoder()) == name)
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      var list = container.nestedUnkeyedContainer(forKey: .list)
      try list.encode(numbers[0])
      try list.encodeNil()
      var inner = list.nestedContainer(keyedBy: Key.self)
      try inner.encode(numbers[1], forKey: .value)
      var last = list.nestedUnkeyedContainer()
      try last.encode(numbers[2])
      #expect(list.count == 4)
      // Two containers for the same object share its members, which can be added in any order.
      var again = encoder.container(keyedBy: Key.self)
      var object = again.nestedContainer(keyedBy: Key.self, forKey: .object)
      var more = object.superEncoder(forKey: .more).singleValueContainer()
      try more.encode(name)
      try name.encode(to: container.superEncoder())
    }
  }

  @Test func containersByHand() throws {
    let value = ByHand([1, 2, 3], "n")
    let json = try encode(value)
    #expect(json == #"{"list":[1,null,{"value":2},[3]],"object":{"more":"n"},"super":"n"}"#)
    #expect(try decode(ByHand.self, json) == value)
  }

  @Test func emptyShapesAreEmptyObjects() throws {
    #expect(try encode(EmptyResponse()) == "{}")
    #expect(try encode([EmptyResponse()]) == "[{}]")
    _ = try decode(EmptyResponse.self, "{\"x\": 1}")
  }

  // MARK: Secrets

  @Test(arguments: [0, 1, 31, 32, 4096, 100_000])
  func secretsAreCodedWithoutText(count: Int) throws {
    let bytes = patternBytes(count)
    let text =
      "{\"Plaintext\": \"\(Data(bytes).base64EncodedString().replacing("/", with: "\\/"))\"}"
    let document = try JSONDocument(secret: SecretBytes(Array(text.utf8)))
    let secret = try APICoding.decode([String: SecretBlob].self, from: document.root)["Plaintext"]
    #expect(try #require(secret).withBytes { $0.withUnsafeBytes { Array($0) } } == bytes)
    let written = try APICoding.bytes(of: ["Plaintext": try #require(secret)])
    #expect(
      written.exposed
        == Array("{\n    \"Plaintext\": \"\(Data(bytes).base64EncodedString())\"\n}\n".utf8))
  }

  @Test(arguments: ["1", "null", "[]", "{}", "true"])
  func otherValuesAreNoSecrets(value: String) {
    #expect(problem([SecretBlob].self, "[\(value)]").hasSuffix(" String 0"))
  }
}

/// The output of version 0.2.0 for each operation that prints something. It is decoded and encoded
/// again, byte for byte.
@Suite struct JSONResponseTests {
  static let printed: [(operation: KeyServiceOperation, json: String)] = {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("responses.txt")
    let text = try! String(contentsOf: file, encoding: .utf8)
    return text.split(separator: "# ").map { part in
      let lines = part.split(separator: "\n", maxSplits: 1)
      let operation = KeyServiceOperation.allCases.first {
        APIName.command($0.rawValue) == lines[0]
      }
      return (operation!, String(lines[1]))
    }
  }()

  @Test func everyOperationThatPrintsIsThere() {
    let printed = Set(Self.printed.map(\.operation))
    for operation in KeyServiceOperation.allCases {
      #expect(
        printed.contains(operation) != Self.printsNothing(operation.requestType), "\(operation)")
    }
  }

  private static func printsNothing<Request: KeyServiceRequest>(_ type: Request.Type) -> Bool {
    Request.Response.self == EmptyResponse.self
  }

  @Test(arguments: printed.indices)
  func whatWasPrintedIsPrinted(index: Int) throws {
    let (operation, json) = Self.printed[index]
    try expectSame(operation.requestType, json)
  }

  private func expectSame<Request: KeyServiceRequest>(_ type: Request.Type, _ json: String) throws {
    let response = try APICoding.decode(Request.Response.self, from: json)
    let bytes = try APICoding.bytes(of: response)
    #expect(String(decoding: bytes.exposed, as: UTF8.self) == json)
    #expect(bytes.exposed == Array(json.utf8))
  }
}
