import Testing

@testable import KMSTemplates
@testable import TestSupport

/// Input that is not a template, and input that would expand without limit.
@Suite struct TemplateReaderTests {
  private static let resource = "Resources: {k: {Type: 'AWS::KMS::Key'}}\n"

  private func problem(_ bytes: [UInt8]) -> String {
    do {
      _ = try Template(parsing: bytes)
      return "fine"
    } catch let error as TemplateError {
      return described(error)
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: [
    ("", "1:1 the template is empty"), ("# only this\n", "1:1 the template is empty"),
    ("--- \n", "2:1 a value is missing: null is not allowed in templates"),
    ("- a\n", "1:1 a template must be a mapping, not a list"),
    ("text", "1:1 a template must be a mapping, not text"),
    ("!Ref a", "1:1 a template must be a mapping, not Ref"),
    ("a: b\n---\nc: d\n", "2:1 not one YAML document: but found another document"),
    ("Resources:\n\tk: {}\n", "2:1 not YAML: found character that cannot start any token"),
    ("Resources: {k: [}", "1:17 not YAML: did not find expected node content"),
    ("Resources: 'k", "1:14 not YAML: found unexpected end of stream"),
    ("a: \u{7}", "1:4 not YAML: control characters are not allowed"),
    ("Resources:\n", "1:11 a value is missing: null is not allowed in templates"),
    ("Resources: {k: ~}", "1:16 a value is missing: null is not allowed in templates"),
    ("Resources: {k: null}", "1:16 a value is missing: null is not allowed in templates"),
    ("{\"Resources\": null}", "1:15 a value is missing: null is not allowed in templates"),
    ("a: !!binary aGk=", "1:4 the YAML tag !!binary is not supported in templates"),
    ("a: !!timestamp 2012-10-17", "1:4 the YAML tag !!timestamp is not supported in templates"),
    ("a: !!set {b, c}", "1:4 the YAML tag !!set is not supported in templates"),
    (
      "a: !<tag:example.com,2000:x> b",
      "1:4 the YAML tag tag:example.com,2000:x is not supported in templates"
    ),
    ("!Ref a: b", "1:1 a mapping's key must be text, not a function"),
    ("? [a, b]\n: c", "1:3 a mapping's key must be text, not a mapping or a list"),
    ("a: &x {b: c}\nd: {<<: {e: f}}", "2:5 YAML merge keys (<<) are not supported in templates"),
    ("\(resource)Resources: {}", "1:1 'Resources' occurs twice"),
    ("Outputs:\n  a: 1\n  b: {c: 1, d: 2, c: 3}", "3:7 'c' occurs twice"),
    ("{\"a\": 1, \"a\": 2}", "1:10 'a' occurs twice"),
    ("a: {1: x, '1': y}", "1:5 '1' occurs twice"),
  ])
  func whatIsNoTemplate(text: String, expected: String) {
    #expect(problem(Array(text.utf8)) == expected)
  }

  @Test(arguments: [
    ("a: &x [1]\nb: *x", "2:4 YAML aliases are not supported in templates"),
    ("a: &x {b: c}\nd: {<<: *x}", "2:9 YAML aliases are not supported in templates"),
    ("a: *nothing", "1:4 YAML aliases are not supported in templates"),
    ("? &k a\n: b\n*k : c", "3:1 YAML aliases are not supported in templates"),
  ])
  func aliases(text: String, expected: String) {
    #expect(problem(Array(text.utf8)) == expected)
  }

  /// Anchors that nothing refers to, and text that looks like anchors and aliases.
  @Test(arguments: [
    "Description: &x text\n", "Description: '&x *x'\n", "Description: |\n  &x a\n  *x b\n",
    "# a: &x\n# b: *x\n", "Metadata: &Meta {a: 'kms:*Meta'}\n",
  ])
  func anchorsAloneAreNothing(text: String) {
    #expect(problem(Array((text + Self.resource).utf8)) == "fine")
  }

  /// Each line expands to ten times the line before, up to a billion values. The last line also
  /// uses them as a key, which would be hashed.
  @Test(arguments: ["last: *i", "? *i\n: x", "{*i : x}"])
  func aliasBombsDoNotUnfold(end: String) {
    var text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for (name, before) in zip("bcdefghi", "abcdefgh") {
      let list = Array(repeating: "*\(before)", count: 10).joined(separator: ", ")
      text += "\(name): &\(name) [\(list)]\n"
    }
    #expect(
      problem(Array((text + end).utf8)) == "2:8 YAML aliases are not supported in templates")
  }

  @Test(arguments: [
    (64, "fine"), (65, "2:75 mappings and lists are nested more than 64 levels deep"),
  ])
  func depthIsLimited(depth: Int, expected: String) {
    // The template and Metadata are two of the levels.
    let lists =
      String(repeating: "[", count: depth - 1) + "x" + String(repeating: "]", count: depth - 1)
    let text = "\(Self.resource)Metadata: \(lists)"
    #expect(problem(Array(text.utf8)) == expected)
  }

  @Test(arguments: [0, 1])
  func valuesAreLimited(more: Int) {
    // The template, Resources and its mapping, the key's name and mapping, Type and its value,
    // Metadata and its list are 9 values. Each line of the list adds one.
    let values = TemplateReader.valueLimit - 9 + more
    let text = "\(Self.resource)Metadata:\n" + String(repeating: "- x\n", count: values)
    let expected =
      more == 0
      ? "fine"
      : "\(values + 2):3 a template has at most 50000 values, counting keys, mappings and lists"
    #expect(problem(Array(text.utf8)) == expected)
  }

  @Test(arguments: ["[", "{a: ", "- ", "? ", "{? ", "!Not [", "a: {"])
  func depthWithoutEndIsRefused(opening: String) {
    let text = String(repeating: opening, count: 100_000)
    let found = problem(Array(text.utf8))
    #expect(
      found.contains("not YAML") || found.contains("not JSON") || found.contains("deep")
        || found.hasSuffix("a mapping's key must be text, not a mapping or a list"), "\(found)")
  }

  /// Mapping keys are compared. Keys that are trees would be compared completely, at every level
  /// again: 400 KB took minutes.
  @Test(arguments: [
    (1000, "? ", "[a, b, c, d, e, f, g, h]: x"), (400, "{? ", "x"), (60, "? ", "{a: b}"),
    (1, "", "{[a, b]: c}"), (1, "- ", "[a]: b"), (1, "", "{a: b}: c"),
  ])
  func keysThatAreTreesAreRefusedAtOnce(depth: Int, opening: String, end: String) {
    let line = "a: \(String(repeating: opening, count: depth))\(end)\n"
    let block = "? \(String(repeating: "? ", count: depth))\(end)\n"
    for text in [line, block, String(repeating: block, count: 400_000 / block.count)] {
      let start = threadTime()
      #expect(problem(Array(text.utf8)) != "fine")
      #expect(threadTime() - start < .seconds(2))
    }
  }

  /// Templates as editors and generators write them.
  @Test(arguments: [
    "\u{FEFF}Resources:\r\n  k:\r\n    Type: AWS::KMS::Key\r\n",
    "\u{FEFF}{\r\n\t\"Resources\": {\"k\":\t{\"Type\": \"AWS::KMS::Key\"}}}\r\n",
    "\n\n\t{\"Resources\" : {\"k\" :{\"Type\":\"AWS::KMS::Key\"}}}\t\n\t\n",
    "%YAML 1.1\n---\nResources: {k: {Type: !!str AWS::KMS::Key}}\n...\n",
    "{\"Resources\":{\"k\":{\"Type\":\"AWS::KMS::Key\",\"DeletionPolicy\":\"\\u0044elete\"}}}",
  ])
  func formsOfTheSameTemplate(text: String) {
    #expect(problem(Array(text.utf8)) == "fine")
  }

  @Test func sizeIsLimited() {
    var bytes = Array(Self.resource.utf8) + [UInt8(ascii: "#")]
    bytes += [UInt8](repeating: UInt8(ascii: "x"), count: (1 << 20) - bytes.count)
    #expect(problem(bytes) == "fine")
    bytes.append(UInt8(ascii: "x"))
    #expect(problem(bytes) == "a template has at most 1048576 bytes, this one has 1048577")
  }

  @Test(
    arguments: [
      ([0xFF], "1:1 the template is not UTF-8"),
      (Array("a: b\nc: d".utf8) + [0xC3], "2:5 the template is not UTF-8"),
      (Array("a: b\n".utf8) + [0xED, 0xA0, 0x80], "2:1 the template is not UTF-8"),
    ] as [([UInt8], String)])
  func bytesThatAreNotUTF8(bytes: [UInt8], expected: String) {
    #expect(problem(bytes) == expected)
  }

  /// Values that grow through functions instead of aliases.
  @Test func valuesDoNotGrowWithoutEnd() throws {
    var value = "x"
    for _ in 0..<18 {
      value = "!Sub ['\(String(repeating: "${a}", count: 20))', {a: \(value)}]"
    }
    #expect(
      try grown(outputTemplate(value)).contains("a value grows to more than 1048576"))
    // An empty value stays empty, however often it is repeated.
    value = "''"
    for _ in 0..<18 {
      value = "!Sub ['\(String(repeating: "${a}", count: 20))', {a: \(value)}]"
    }
    #expect(try grown(outputTemplate(value)) == "fine")
    let separator = String(repeating: "s", count: 200_000)
    let list = Array(repeating: "a", count: 40_000).joined(separator: ",")
    #expect(
      try grown(outputTemplate("!Join [\(separator), [\(list)]]"))
        .contains("a value grows"))
  }

  private func grown(_ text: String) throws -> String {
    do {
      _ = try made(evaluator(text)).outputs()
      return "fine"
    } catch let error as TemplateError {
      return described(error)
    }
  }

  /// A truncated template or a template with a changed byte gives an error or is still a template.
  @Test func damageIsRefusedOrRead() throws {
    let bytes = Array(try exampleTemplate().utf8)
    for end in stride(from: 0, to: bytes.count, by: 7) {
      _ = problem(Array(bytes[..<end]))
    }
    for index in stride(from: 0, to: bytes.count, by: 5) {
      for byte: UInt8 in [0, 0x09, 0x21, 0x26, 0x2A, 0x5B, 0x7B, 0xFF] {
        var damaged = bytes
        damaged[index] = byte
        #expect(!problem(damaged).contains("Error("))
      }
    }
  }
}
