import Testing

@testable import envcrypt

@Suite struct TOMLReaderTests {
  private static func read(_ text: String) throws(TOMLError) -> [TOMLEntry] {
    try TOMLReader.read(Array(text.utf8))
  }

  private static func value(_ text: String) throws(TOMLError) -> TOMLValue? {
    try read("a = \(text)").first?.value
  }

  private static func fault(_ text: String) -> TOMLError? {
    do {
      _ = try read(text)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    (#""""#, ""), (#""a b""#, "a b"), (#""é 漢 \u00e9 \U0001F511""#, "é 漢 é 🔑"),
    (#""\" \\ \b \t \n \f \r""#, "\" \\ \u{8} \t \n \u{C} \r"), ("\"a\tb\"", "a\tb"),
    ("\"# no comment\"", "# no comment"), ("''", ""), (#"'C:\a "b"'"#, #"C:\a "b""#),
    ("'a\tb'", "a\tb"), (#""\u0000\uD7FF\uE000\U0010FFFF""#, "\0\u{D7FF}\u{E000}\u{10FFFF}"),
  ])
  func stringsAreRead(text: String, wanted: String) throws {
    #expect(try Self.value(text) == .string(wanted))
  }

  @Test(
    arguments: [
      ("0", 0), ("+0", 0), ("-0", 0), ("7", 7), ("+99", 99), ("-17", -17), ("1_000", 1000),
      ("5_349_221", 5_349_221), ("0xDEAD_beef", 0xDEAD_BEEF), ("0x00ff", 255), ("0o755", 0o755),
      ("0b1101_0110", 0b1101_0110), ("9223372036854775807", .max), ("-9223372036854775808", .min),
    ] as [(String, Int64)])
  func integersAreRead(text: String, wanted: Int64) throws {
    #expect(try Self.value(text) == .integer(wanted))
  }

  @Test func otherValuesAreRead() throws {
    #expect(try Self.value("true") == .boolean(true))
    #expect(try Self.value("false # no") == .boolean(false))
    #expect(try Self.value("[]") == .strings([]))
    #expect(try Self.value("[ ]") == .strings([]))
    #expect(try Self.value("['a',\"b\"]") == .strings(["a", "b"]))
    #expect(
      try Self.value("[ # first\r\n  'a' # a\n  ,\n\n  'b',\n] # end") == .strings(["a", "b"]))
  }

  @Test func keysAndLinesAreRead() throws {
    let text =
      "# settings\n\n \t key = 'a' # one\r\nkey-file='b'\n\t\"jobs\"\t=\t2\n'' = 1\n\"\\u0061\" = 3\n"
      + "1_x = true"
    #expect(
      try Self.read(text) == [
        TOMLEntry(key: "key", value: .string("a"), line: 3),
        TOMLEntry(key: "key-file", value: .string("b"), line: 4),
        TOMLEntry(key: "jobs", value: .integer(2), line: 5),
        TOMLEntry(key: "", value: .integer(1), line: 6),
        TOMLEntry(key: "a", value: .integer(3), line: 7),
        TOMLEntry(key: "1_x", value: .boolean(true), line: 8),
      ])
    // The lines of an array count.
    #expect(try Self.read("a = [\n'b',\n]\nc = 1").map(\.line) == [1, 4])
  }

  @Test(arguments: ["", "\n", "\r\n", " \t", "#", "# é\n#\n", "\u{FEFF}", "\u{FEFF}# a\n"])
  func aFileMayBeEmpty(text: String) throws {
    #expect(try Self.read(text).isEmpty)
  }

  /// Faults, each in the line in which it is reported.
  @Test(arguments: [
    ("a", 1, "without '='"), ("a =", 1, "without a value"), ("\na = # b", 2, "without a value"),
    ("= 1", 1, "a key is expected"), ("a = 1 b = 2", 1, "more after the value"),
    ("a = 'b' 'c'", 1, "more after"), ("a = 'b'c", 1, "more after"),
    ("a = 1\ra = 2", 1, "carriage"),
    ("a = 1\nb = 2\na = 3", 3, "'a' is already in line 1"),
    ("a = 1\n\"a\" = 1", 2, "'a' is already in line 1"), ("é = 1", 1, "a key is expected"),
    ("a b = 1", 1, "without '='"), ("a.b = 1", 1, "a key with a dot"),
    ("a . 'b' = 1", 1, "a key with a dot"), ("[a]", 1, "tables"), ("a=1\n[[a]]", 2, "tables"),
    ("a = {}", 1, "tables"), ("a = { b = 1 }", 1, "tables"),
    ("a = \"\"\"b\"\"\"", 1, "several lines"), ("a = '''b'''", 1, "several lines"),
    ("\"\"\"a\"\"\" = 1", 1, "several lines"),
    ("a = \"b", 1, "without its end"), ("a = \"b\nc = 1", 1, "without its end"),
    ("a = 'b", 1, "without its end"), ("a = 'b\r\n'", 1, "without its end"),
    ("a = \"b\\\"", 1, "without its end"), ("a = \"\\", 1, "without its end"),
    ("'a = 1", 1, "without its end"), ("a = \"\u{1}\"", 1, "control character"),
    ("a = '\u{7F}'", 1, "control character"), ("a = \"\0\"", 1, "control character"),
    ("# \u{1}", 1, "control character"), ("a = 1 # \u{1F}", 1, "control character"),
    ("a = \"\\x41\"", 1, "unknown escape"), ("a = \"\\e\"", 1, "unknown escape"),
    ("a = \"\\/\"", 1, "unknown escape"), ("a = \"\\ \"", 1, "unknown escape"),
    ("a = \"C:\\a\"", 1, "unknown escape"), ("a = \"\\u12\"", 1, "not a character"),
    ("a = \"\\u123g\"", 1, "not a character"), ("a = \"\\u+123\"", 1, "not a character"),
    ("a = \"\\uD800\"", 1, "not a character"), ("a = \"\\uDFFF\"", 1, "not a character"),
    ("a = \"\\U00110000\"", 1, "not a character"), ("a = \"\\U0001F51\"", 1, "not a character"),
    ("a = \"\\UFFFFFFFF\"", 1, "not a character"), ("a = \"\\u\"", 1, "not a character"),
    ("a = [", 1, "without its end"), ("\na = [\n'b',\n", 2, "without its end"),
    ("a = ['b'", 1, "without its end"), ("a = ['b' 'c']", 1, "a comma"),
    ("a = ['b',,]", 1, "something else"), ("a = [,]", 1, "something else"),
    ("a = [1]", 1, "something else"), ("a = [\n'b', true]", 2, "something else"),
    ("a = [['b']]", 1, "something else"), ("a = ['b'] ]", 1, "more after"),
    ("a = b", 1, "a value is"), ("a = True", 1, "a value is"), ("a = truer", 1, "a value is"),
    ("a = 01", 1, "a value is"), ("a = 00", 1, "a value is"), ("a = -01", 1, "a value is"),
    ("a = 0_1", 1, "a value is"), ("a = _1", 1, "a value is"), ("a = 1_", 1, "a value is"),
    ("a = 1__0", 1, "a value is"), ("a = +", 1, "a value is"), ("a = --1", 1, "a value is"),
    ("a = 0x", 1, "a value is"), ("a = 0x_1", 1, "a value is"), ("a = +0x1", 1, "a value is"),
    ("a = 0X1", 1, "a value is"), ("a = 0o8", 1, "a value is"), ("a = 0b2", 1, "a value is"),
    ("a = 1.5", 1, "a value is"), ("a = 1e3", 1, "a value is"), ("a = inf", 1, "a value is"),
    ("a = 2026-12-01", 1, "a value is"), ("a = 07:30:00", 1, "a value is"),
    ("a = 9223372036854775808", 1, "too large"), ("a = -9223372036854775809", 1, "too large"),
    ("a = 0xFFFFFFFFFFFFFFFF", 1, "too large"), ("\u{A0}a = 1", 1, "a key is expected"),
    ("a = 1\u{B}", 1, "more after"), ("a = 1\n\u{FEFF}b = 2", 2, "a key is expected"),
    ("a = 1\n\r", 2, "carriage"), ("a: 1", 1, "without '='"), (",", 1, "a key is expected"),
  ])
  func whatIsNotInThePartIsRefused(text: String, line: Int, reason: String) {
    let fault = Self.fault(text)
    #expect(fault?.line == line, "\(text.debugDescription): \(String(describing: fault))")
    #expect(
      fault?.reason.contains(reason) == true, "\(text.debugDescription): \(fault?.reason ?? "")")
  }

  @Test func onlyUTF8IsRead() {
    for bad: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] {
      #expect(throws: TOMLError(line: 2, reason: "this is not UTF-8")) {
        try TOMLReader.read(Array("a = 1\n# ".utf8) + bad + Array("\nb = 2".utf8))
      }
    }
  }

  /// Every beginning of a file is read or refused, and nothing traps.
  @Test func everyPartOfAFileIsTaken() {
    let text = Array("# é\r\n\"k\\u0065y\" = [ 'a', # b\n \"\\U0001F511\" ,]\njobs = 0x_F\n".utf8)
    for count in 0...text.count {
      for extra: [UInt8] in [[], [0x22], [0x5C], [0x27], [0x5B], [0x0D], [0xE2]] {
        _ = try? TOMLReader.read(text.prefix(count) + extra)
      }
    }
  }
}
