import Foundation
import Testing

@testable import Envelope
@testable import TestSupport

/// Texts that are JSON, texts that are not, and the position at which a text stops being JSON.
@Suite struct JSONDocumentTests {
  private func document(
    _ bytes: [UInt8], _ limits: JSONLimits = JSONLimits()
  ) throws(JSONError) -> JSONDocument {
    try JSONDocument(.plain(bytes), limits: limits)
  }

  private func problem(_ bytes: [UInt8], _ limits: JSONLimits = JSONLimits()) -> String {
    do throws(JSONError) {
      _ = try document(bytes, limits)
      return "fine"
    } catch {
      return error.description
    }
  }

  private func written(_ value: JSONValue) -> String {
    switch value.content {
    case .object(let object):
      "{" + object.members.map { "\($0.name)=\(written($0.value))" }.joined(separator: ";") + "}"
    case .array(let values): "[" + values.map(written).joined(separator: ";") + "]"
    case .string(let text): "'\(text)'"
    case .number(let number): "#\(number.text)"
    case .bool(let bool): "\(bool)"
    case .null: "null"
    }
  }

  // MARK: The grammar

  @Test(arguments: [
    ("{}", "{}"), ("[]", "[]"), ("\"\"", "''"), ("true", "true"), ("false", "false"),
    ("null", "null"), ("0", "#0"), (" \t\r\n1 \t\r\n", "#1"), ("[ ]", "[]"), ("{ }", "{}"),
    ("[[],{}]", "[[];{}]"), ("[1,2 , 3]", "[#1;#2;#3]"),
    ("[null,[true,[false]]]", "[null;[true;[false]]]"),
    (#"{"a":1,"b":{"a":2}}"#, "{a=#1;b={a=#2}}"), ("{\"z\" : 1 ,\n\"a\" : 2}", "{z=#1;a=#2}"),
    (#"{"":0}"#, "{=#0}"), (#"{"a":{},"b":[],"c":""}"#, "{a={};b=[];c=''}"),
    // Numbers keep their spelling.
    ("-0", "#-0"), ("-1", "#-1"), ("1.50", "#1.50"), ("1e5", "#1e5"), ("1E+05", "#1E+05"),
    ("-0.0e-0", "#-0.0e-0"), ("0e1", "#0e1"), ("10", "#10"), ("1e400", "#1e400"),
    ("123456789012345678901234567890", "#123456789012345678901234567890"),
    // Strings.
    ("\"a b\"", "'a b'"), ("\"é名😀\"", "'é名😀'"), ("\"\u{7F}\u{80}\"", "'\u{7F}\u{80}'"),
    ("\"\u{2028}\u{FEFF}\u{FFFF}\u{10FFFF}\"", "'\u{2028}\u{FEFF}\u{FFFF}\u{10FFFF}'"),
    (#""\"\\\/\b\f\n\r\t""#, "'\"\\/\u{8}\u{C}\n\r\t'"),
    (#""A\u0041\u00e9\u00E9\u540d""#, "'AAéé名'"),
    (#""\ud83d\ude00\uD83D\uDE00""#, "'😀😀'"), (#""\u0000\u001f\u007f""#, "'\u{0}\u{1F}\u{7F}'"),
    (#""\uffff\ufeff\udbff\udfff""#, "'\u{FFFF}\u{FEFF}\u{10FFFF}'"),
    (#""\\u0041""#, "'\\u0041'"), (#""\\\\""#, "'\\\\'"), ("\"/\"", "'/'"),
    (#""[{,:}]//#""#, "'[{,:}]//#'"),
  ])
  func isJSON(text: String, expected: String) throws {
    let plain = try document(Array(text.utf8))
    #expect(written(plain.root).utf8.elementsEqual(expected.utf8))
    let secret = try JSONDocument(secret: SecretBytes(Array(text.utf8)))
    #expect(written(secret.root).utf8.elementsEqual(expected.utf8))
  }

  @Test(
    arguments: [
      ("", "1:1 expected a value, found the end"), (" \n ", "2:2 expected a value, found the end"),
      ("x", "1:1 expected a value"), ("1 2", "1:3 expected the end of the text"),
      ("{} x", "1:4 expected the end of the text"), ("[]]", "1:3 expected the end of the text"),
      ("1\n,", "2:1 expected the end of the text"), ("\u{FEFF}1", "1:1 expected a value"),
      ("\u{A0}1", "1:1 expected a value"), ("\u{B}1", "1:1 expected a value"),
      ("1\u{0}", "1:2 expected the end of the text"), ("// x\n1", "1:1 expected a value"),
      ("1 /* x */", "1:3 expected the end of the text"), ("# x\n1", "1:1 expected a value"),
      // Words.
      ("tru", "1:1 expected a value"), ("True", "1:1 expected a value"),
      ("nul", "1:1 expected a value"),
      ("truex", "1:5 expected the end of the text"), ("undefined", "1:1 expected a value"),
      ("NaN", "1:1 expected a value"), ("Infinity", "1:1 expected a value"),
      ("-Infinity", "1:2 expected a digit"),
      // Arrays.
      ("[", "1:2 [0]: expected a value, found the end"),
      ("[1", "1:3 [0]: expected ',' or ']', found the end"),
      ("[1,", "1:4 [1]: expected a value, found the end"), ("[1,]", "1:4 [1]: expected a value"),
      ("[,1]", "1:2 [0]: expected a value"), ("[1,,2]", "1:4 [1]: expected a value"),
      ("[1 2]", "1:4 [0]: expected ',' or ']'"), ("[1}", "1:3 [0]: expected ',' or ']'"),
      ("[1:2]", "1:3 [0]: expected ',' or ']'"), ("]", "1:1 expected a value"),
      ("[[0],[1,x]]", "1:9 [1][1]: expected a value"),
      // Objects.
      ("{", "1:2 expected a name in double quotes, found the end"),
      ("{,}", "1:2 expected a name in double quotes"),
      ("{\"a\"", "1:5 a: expected ':', found the end"), ("{\"a\" 1}", "1:6 a: expected ':'"),
      ("{\"a\":", "1:6 a: expected a value, found the end"),
      ("{\"a\":}", "1:6 a: expected a value"),
      ("{\"a\":1", "1:7 expected ',' or '}', found the end"),
      ("{\"a\":1]", "1:7 expected ',' or '}'"),
      ("{\"a\":1,}", "1:8 expected a name in double quotes"),
      ("{\"a\":1,,}", "1:8 expected a name in double quotes"),
      ("{a:1}", "1:2 expected a name in double quotes"),
      ("{'a':1}", "1:2 expected a name in double quotes"),
      ("{1:1}", "1:2 expected a name in double quotes"),
      ("{null:1}", "1:2 expected a name in double quotes"),
      ("{\"a\":1 \"b\":2}", "1:8 expected ',' or '}'"), ("{\"a\"::1}", "1:6 a: expected a value"),
      ("{\n  \"a\": [\n    {\"é\": 1, \"b\": x}\n  ]\n}", "3:19 a[0].b: expected a value"),
      // Numbers.
      ("01", "1:2 a number must not have leading zeros"),
      ("-01", "1:3 a number must not have leading zeros"),
      ("00", "1:2 a number must not have leading zeros"),
      ("+1", "1:1 expected a value"), (".5", "1:1 expected a value"),
      ("-", "1:2 expected a digit, found the end"),
      ("-x", "1:2 expected a digit"), ("--1", "1:2 expected a digit"),
      ("1.", "1:3 expected a digit, found the end"),
      ("1.e5", "1:3 expected a digit"), ("1e", "1:3 expected a digit, found the end"),
      ("1e+", "1:4 expected a digit, found the end"), ("1e1.5", "1:4 expected the end of the text"),
      ("0x10", "1:2 expected the end of the text"), ("1_000", "1:2 expected the end of the text"),
      ("1 000", "1:3 expected the end of the text"), ("１", "1:1 expected a value"),
      // Strings.
      ("\"", "1:2 expected '\"', found the end"), ("\"a", "1:3 expected '\"', found the end"),
      ("'a'", "1:1 expected a value"),
      ("\"a\nb\"", "1:3 a control character in a string must be escaped"),
      ("\"\t\"", "1:2 a control character in a string must be escaped"),
      ("\"\u{0}\"", "1:2 a control character in a string must be escaped"),
      ("\"é\u{1F}\"", "1:3 a control character in a string must be escaped"),
      (#""\"#, "1:2 unknown escape sequence"),
      (#""\""#, "1:4 expected '\"', found the end"),
      (#""\a""#, "1:2 unknown escape sequence"),
      (#""\'""#, "1:2 unknown escape sequence"),
      (#""\U0041""#, "1:2 unknown escape sequence"),
      (#""\x41""#, "1:2 unknown escape sequence"),
      (#""\u004""#, "1:2 unknown escape sequence"),
      (#""\u00g1""#, "1:2 unknown escape sequence"),
      (#""\u+041""#, "1:2 unknown escape sequence"),
      (#""\u 041""#, "1:2 unknown escape sequence"),
      (#""\ud800""#, "1:2 unpaired surrogate"),
      (#""\udc00""#, "1:2 unpaired surrogate"),
      (#""\ud800\u0041""#, "1:2 unpaired surrogate"),
      (#""\ud800\ud800""#, "1:2 unpaired surrogate"),
      (#""\ud800x""#, "1:2 unpaired surrogate"),
      (#""\ud800\n""#, "1:2 unpaired surrogate"),
      (#""a\ude00\ud83d""#, "1:3 unpaired surrogate"),
    ] as [(String, String)])
  func isNotJSON(text: String, expected: String) {
    let parts = expected.split(separator: " ", maxSplits: 1)
    let place = parts[0].split(separator: ":")
    #expect(problem(Array(text.utf8)) == "line \(place[0]), column \(place[1]): \(parts[1])")
  }

  /// Invalid UTF-8 according to RFC 3629: overlong forms, surrogates, code points above U+10FFFF,
  /// truncated sequences.
  @Test(
    arguments: [
      [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80],
      [0xE0, 0x9F, 0xBF], [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
      [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98],
      [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    ] as [[UInt8]])
  func isNotUTF8(bytes: [UInt8]) {
    let place = "line 1, column 3: "
    #expect(problem(Array("\"é".utf8) + bytes + [0x22]) == place + "invalid UTF-8")
    #expect(problem(Array("\"é".utf8) + bytes) == place + "invalid UTF-8")
    #expect(problem(Array("[1".utf8) + bytes).contains("expected ',' or ']'"))
  }

  /// Reads every character except the surrogates, unescaped and escaped.
  @Test func everyCharacterIsRead() throws {
    var texts: [String] = []
    var json = "["
    for start in stride(from: 0, to: 0x110000, by: 64) {
      let scalars = (start..<start + 64).compactMap { Unicode.Scalar($0) }
      guard !scalars.isEmpty else { continue }
      let text = String(String.UnicodeScalarView(scalars))
      let units = text.utf16.map { "\\u" + String(0x10000 + Int($0), radix: 16).dropFirst() }
      let plain = start < 128 ? nil : text
      texts += [text] + (plain.map { [$0] } ?? [])
      json += "\"\(units.joined())\"," + (plain.map { "\"\($0)\"," } ?? "")
    }
    let found = try JSONDocument(json + "0]").root
    guard case .array(let values) = found.content else { return #expect(Bool(false)) }
    #expect(values.count == texts.count + 1)
    for (value, text) in zip(values, texts) {
      guard case .string(let found) = value.content else { return #expect(Bool(false)) }
      #expect(found.utf8.elementsEqual(text.utf8))
      #expect(value.secret()?.exposed == Array(text.utf8))
    }
  }

  // MARK: Names

  @Test(
    arguments: [
      (#"{"a":1,"a":2}"#, "1:8 'a' occurs twice in one object"),
      (#"{"a":1,"\u0061":2}"#, "1:8 'a' occurs twice in one object"),
      (#"{"\u00e9":1,"é":2}"#, "1:13 'é' occurs twice in one object"),
      (#"{"":1,"":2}"#, "1:7 '' occurs twice in one object"),
      (
        "{\"a\":1,\n\"b\":[0,{\"c\":1,\"d\":2,\"c\":3}]}",
        "2:21 b[1]: 'c' occurs twice in one object"
      ),
      (#"{"a":{"b":1},"c":2,"a":{"b":1}}"#, "1:20 'a' occurs twice in one object"),
      (#"{"a":1,"b":2,"b":3,"a":4}"#, "1:14 'b' occurs twice in one object"),
    ] as [(String, String)])
  func namesOccurOnce(text: String, expected: String) {
    let parts = expected.split(separator: " ", maxSplits: 1)
    let place = parts[0].split(separator: ":")
    #expect(problem(Array(text.utf8)) == "line \(place[0]), column \(place[1]): \(parts[1])")
  }

  /// The error names the first repeated name, in small objects and in large ones, which are sorted
  /// to find it.
  @Test(arguments: [2, 7, 8, 9, 10, 100, 1000])
  func theFirstOfSeveralIsNamed(count: Int) throws {
    let names = (0..<count).map { "n\($0 * 7919 % 10_007)" }
    func text(_ names: [String]) -> String {
      "{" + names.map { "\"\($0)\":0" }.joined(separator: ",\n") + "}"
    }
    #expect(problem(Array(text(names).utf8)) == "fine")
    let twice = names + [names[count / 2], names[0], names[count / 2]]
    #expect(
      problem(Array(text(twice).utf8))
        == "line \(count + 1), column 1: '\(names[count / 2])' occurs twice in one object")
    let escaped = names + ["\\u006E" + names[1].dropFirst()]
    #expect(
      problem(Array(text(escaped).utf8))
        == "line \(count + 1), column 1: '\(names[1])' occurs twice in one object")
  }

  /// Two names that are equal in Unicode but have different bytes are two members.
  @Test func namesAreBytes() throws {
    let object = try #require(
      try JSONDocument("{\"e\u{301}\":1,\"\u{E9}\":2,\"\u{212A}\":3,\"K\":4,\"k\":5}").root.object)
    for (name, number) in [
      ("e\u{301}", "1"), ("\u{E9}", "2"), ("\u{212A}", "3"), ("K", "4"), ("k", "5"),
    ] {
      #expect(object[name].map(written) == "#\(number)")
    }
    #expect(object["e"] == nil)
  }

  @Test func membersKeepTheirOrderAndPlaces() throws {
    let text = "{ \"é\": [1,\n  true],\r\n\t\"b\\u0020\":\n{}, \"😀\": \"x\" }"
    let object = try #require(try JSONDocument(text).root.object)
    #expect(
      object.members.map { "\($0.name) \($0.position.line):\($0.position.column)" } == [
        "é 1:3", "b  3:2", "😀 4:5",
      ])
    #expect(
      object.members.map { "\($0.value.position.line):\($0.value.position.column)" } == [
        "1:8", "4:1", "4:10",
      ])
    #expect(object["b "]?.kind == "an object")
    #expect(object["b "]?.object?.isEmpty == true)
    #expect(!object.isEmpty)
    guard case .array(let values)? = object["é"]?.content else { return #expect(Bool(false)) }
    #expect(
      values.map(\.position) == [
        JSONPosition(line: 1, column: 9), JSONPosition(line: 2, column: 3),
      ])
  }

  // MARK: Numbers

  @Test(
    arguments: [
      ("0", 0), ("-0", 0), ("4096", 4096), ("-128", -128), ("9223372036854775807", .max),
      ("-9223372036854775808", .min), ("9223372036854775808", nil), ("-9223372036854775809", nil),
      ("99999999999999999999999", nil), ("4096.0", nil), ("4e3", nil), ("1.5", nil), ("1E2", nil),
      ("0.0", nil),
    ] as [(String, Int?)])
  func integersAreWrittenAsSuch(text: String, expected: Int?) throws {
    guard case .number(let number) = try JSONDocument(text).root.content else {
      return #expect(Bool(false))
    }
    #expect(number.integer() == expected)
    #expect(
      number.integer(as: Int8.self).map { Int($0) }
        == expected.flatMap { Int8(exactly: $0) }.map { Int($0) })
    #expect(
      number.integer(as: UInt64.self) == expected.flatMap { UInt64(exactly: $0) } ?? UInt64(text))
  }

  @Test(
    arguments: [
      ("0", 0), ("-1.5e3", -1500), ("1e308", 1e308), ("1e309", nil), ("-1e400", nil), ("1e-400", 0),
      ("9007199254740993", 9_007_199_254_740_992),
      ("0.1", 0.1),
    ] as [(String, Double?)])
  func doublesAreTheNearest(text: String, expected: Double?) throws {
    guard case .number(let number) = try JSONDocument(text).root.content else {
      return #expect(Bool(false))
    }
    #expect(number.double == expected)
  }

  // MARK: Limits

  @Test(arguments: ["[", "{\"a\":", "[[], ", "{\"b\":{}, \"a\":"], [1, 2, 64])
  func depthIsLimited(opening: String, depth: Int) {
    let isFlat = !opening.dropFirst().contains { "[{".contains($0) }
    let closing = opening.first == "[" ? "]" : "}"
    func text(_ depth: Int) -> [UInt8] {
      Array(
        (String(repeating: opening, count: depth) + "0" + String(repeating: closing, count: depth))
          .utf8)
    }
    let limits = JSONLimits(depth: depth, values: 1000)
    // An opening that contains a container of its own makes the text one level deeper.
    let fits = isFlat ? depth : depth - 1
    #expect(fits == 0 || problem(text(fits), limits) == "fine")
    #expect(
      problem(text(depth + 1), limits).hasSuffix(
        "objects and arrays are nested more than \(depth) deep"))
  }

  @Test func valuesAreLimited() {
    let limits = JSONLimits(depth: 2, values: 6)
    #expect(problem(Array("[1,[],{\"a\":0}]".utf8), limits) == "fine")
    #expect(
      problem(Array("[1,[],{\"a\":[]},2]".utf8), JSONLimits(depth: 3, values: 6))
        == "line 1, column 16: [3]: more than 6 values and names")
    #expect(
      problem(Array("{\"a\":1,\"b\":2,\"c\":3}".utf8), limits)
        == "line 1, column 18: c: more than 6 values and names")
  }

  @Test func aByteOrderMarkIsPassedOverWhereItMayBe() throws {
    var limits = JSONLimits()
    #expect(problem(Array("\u{FEFF}{}".utf8), limits) == "line 1, column 1: expected a value")
    limits.allowsByteOrderMark = true
    #expect(
      problem(Array("\u{FEFF} [x]".utf8), limits) == "line 1, column 3: [0]: expected a value")
    #expect(
      problem(Array("\u{FEFF}\u{FEFF}[]".utf8), limits) == "line 1, column 1: expected a value")
    #expect(
      problem(Array("[]\u{FEFF}".utf8), limits) == "line 1, column 3: expected the end of the text")
    #expect(problem([0xEF, 0xBB], limits) == "line 1, column 1: expected a value")
  }

  // MARK: Hostile texts: they end, though some would take hours if anything were done for each pair.

  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      (String(repeating: "[", count: 1 << 20), "nested more than 64 deep"),
      (String(repeating: "{\"a\":", count: 1 << 18), "nested more than 64 deep"),
      (String(repeating: "\n", count: 1 << 20), "expected a value, found the end"),
      ("\"" + String(repeating: "\\u0041", count: 1 << 17) + "\"", "fine"),
      ("\"" + String(repeating: "\\", count: 1 << 20), "'\"', found the end"),
      ("\"" + String(repeating: "\\\"", count: 1 << 19) + "\"", "fine"),
      ("[" + String(repeating: "0,", count: 1 << 19) + "0]", "more than 524288 values"),
      ("[" + String(repeating: "{},", count: 1 << 18) + "{}]", "fine"),
      ("1" + String(repeating: "0", count: 1 << 20), "fine"),
      ("{\"" + String(repeating: "a", count: 1 << 20) + "\":x", "expected a value"),
    ])
  func largeTextsEnd(text: String, expected: String) {
    #expect(problem(Array(text.utf8)).contains(expected))
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["", "\\u0061", String(repeating: "a", count: 60)])
  func manyMembersAreReadAndFound(prefix: String) throws {
    let count = 100_000
    let names = (0..<count).map { "\(prefix)\($0)" }
    let text = "{" + names.map { "\"\($0)\":0" }.joined(separator: ",") + "}"
    let object = try #require(try JSONDocument(text).root.object)
    var start = object.value.index + 1
    let plain = prefix.replacing("\\u0061", with: "a")
    for number in 0..<count {
      let member = object.member("\(plain)\(number)", from: &start)
      if member == nil { Issue.record("\(number) is not found") }
    }
    #expect(object.member("\(plain)0", from: &start) != nil)
  }

  /// An error does not repeat a megabyte of input.
  @Test func errorsAreShort() {
    let name = String(repeating: "é", count: 100_000)
    let shown = String(repeating: "é", count: 64) + "…"
    #expect(
      problem(Array("{\"\(name)\":[x]}".utf8))
        == "line 1, column 100006: \(shown)[0]: expected a value")
    #expect(
      problem(Array("{\"\(name)\":0,\"\(name)\":0}".utf8))
        == "line 1, column 100007: '\(shown)' occurs twice in one object")
    #expect("a".shortened == "a")
    #expect(String(repeating: "😀", count: 64).shortened.count == 64)
  }

  /// Foundation accepts every mutation of a JSON text that this reader accepts.
  @Test func mutationsAreReadAsFoundationReadsThem() throws {
    let seed =
      #"{"a": [1, -2.5e+3, true, null, {"b\u00e9\n": "é😀"}], "c": {}, "d": [[], false, 0.5]}"#
    let bytes = Array(seed.utf8)
    let inserted: [UInt8] =
      Array("{}[]\",:\\eE+-.0129tfnu \n\t/\u{7F}é".utf8) + [0x00, 0x1F, 0xC0, 0xFF]
    var acceptedCount = 0
    for index in bytes.indices {
      for byte in inserted {
        for (lower, upper) in [(index, index), (index, index + 1)] {
          let text = bytes[..<lower] + [byte] + bytes[upper...]
          guard problem(Array(text)) == "fine" else { continue }
          acceptedCount += 1
          let theirs = try? JSONSerialization.jsonObject(
            with: Data(text), options: .fragmentsAllowed)
          #expect(theirs != nil, "\(String(decoding: text, as: UTF8.self))")
        }
      }
    }
    #expect(acceptedCount > 200)
  }
}
