import Envelope
import Testing

@testable import envcrypt

@Suite struct SecretVariablesTests {
  static func read(_ text: String) throws -> [String] {
    try read(bytes: Array(text.utf8))
  }

  static func read(bytes: [UInt8]) throws -> [String] {
    let variables = try SecretVariables(SecretBytes(copying: bytes.span.bytes))
    return variables.variables.map { variable in
      variable.entry.bytes.withBytes { entry in
        entry.withUnsafeBytes { entry in
          #expect(entry.last == 0 && entry.count { $0 == 0 } == 1)
          return String(decoding: entry.dropLast(), as: UTF8.self)
        }
      }
    }
  }

  @Test(arguments: [
    ("", []), ("\n", []), ("# only a comment", []), ("  # a\n\t\n", []), ("\u{FEFF}A=b", ["A=b"]),
    ("A=b", ["A=b"]), ("A=b\n", ["A=b"]), ("A=b\nC=d\n", ["A=b", "C=d"]),
    ("A=b\r\nC=d\r\n", ["A=b", "C=d"]), ("A=\n", ["A="]), ("A=\r\n", ["A="]), ("A=", ["A="]),
    ("  A=b", ["A=b"]), ("export A=b", ["A=b"]), ("export\t A=b", ["A=b"]),
    ("export=b", ["export=b"]), ("export export=b", ["export=b"]), ("exports=b", ["exports=b"]),
    ("_a1=b", ["_a1=b"]), ("a=b\nA=c", ["a=b", "A=c"]),
    ("A= b c \t\nD=e", ["A=b c", "D=e"]), ("A= \t", ["A="]),
    ("A=b=c==", ["A=b=c=="]), ("A=b#c", ["A=b#c"]), ("A=$B ${C} `d` \\n", ["A=$B ${C} `d` \\n"]),
    ("A=it's \"so\"", ["A=it's \"so\""]), ("A={\"b\":1}", ["A={\"b\":1}"]),
    ("A=ü\nB=\u{7}", ["A=ü", "B=\u{7}"]),
    ("A=''", ["A="]), ("A=\"\"", ["A="]), ("A=' b '", ["A= b "]), ("A= 'b' ", ["A=b"]),
    ("A='b' # c", ["A=b"]), ("A=\"b\"\t#", ["A=b"]), ("A='b # c'", ["A=b # c"]),
    ("A='\\n\"$'", ["A=\\n\"$"]), (#"A="\n\r\t\\\"\$\`'""#, ["A=\n\r\t\\\"$`'"]),
    ("A='b\nc'\nD=e", ["A=b\nc", "D=e"]), ("A=\"b\r\nc\"\r\nD=e", ["A=b\nc", "D=e"]),
    ("A='\n\n'", ["A=\n\n"]),
    ("{}", []), (" \r\n\t{ } ", []), ("\u{FEFF}{}", []),
    (#"{"A":"b","c":"d e"}"#, ["A=b", "c=d e"]), (#"{"A":""}"#, ["A="]),
    (##"{"A":"\u00fc\n\"#"}"##, ["A=ü\n\"#"]),
    (
      #"{"A":1.50e+3,"B":true,"C":false}"#,
      ["A=1.50e+3", "B=true", "C=false"]
    ),
  ])
  func variablesAreRead(text: String, entries: [String]) throws {
    #expect(try Self.read(text) == entries)
  }

  @Test(
    arguments: [
      ("A", 1, "expected NAME=value"), ("A b", 1, "expected NAME=value"),
      ("A =b", 1, "expected NAME=value"), ("=b", 1, "expected NAME=value"),
      ("1A=b", 1, "expected NAME=value"), ("A-B=c", 1, "expected NAME=value"),
      ("A.B=c", 1, "expected NAME=value"), ("Ä=c", 1, "expected NAME=value"),
      ("export", 1, "expected NAME=value"), ("export A", 1, "expected NAME=value"),
      ("A=b\n\n# c\nD", 4, "expected NAME=value"), ("[\"A\"]", 1, "expected NAME=value"),
      ("A=b\nA=c", 2, "A occurs twice"),
      ("A=b #c", 1, "'#' after a blank in A"), ("A=#c", 1, "'#' after a blank in A"),
      ("A= #c", 1, "'#' after a blank in A"),
      ("A=b\rC=d", 1, "a carriage return inside a line"), ("\n\r", 2, "a carriage return"),
      ("A='b\rc'", 1, "a carriage return"), ("A=b\r", 1, "a carriage return"),
      ("A=\0", 1, "A contains a NUL"), ("A='\n\0'", 2, "A contains a NUL"), ("\0", 1, "expected"),
      ("X=y\nA='b\nc", 2, "the quote of A has no end"), ("A=\"b\\\"", 1, "the quote of A"),
      ("A='b'c", 1, "text after the closing quote of A"), ("A='b'#c", 1, "text after"),
      ("A='b' c", 1, "text after"), ("A='b''c'", 1, "text after"),
      (#"A="\x41""#, 1, "unknown escape sequence in A"), ("A=\"\\", 1, "unknown escape sequence"),
      ("A=\"\n\\z\"", 2, "unknown escape sequence in A"),
      ("{\n\"A\":null}", 2, "A is null"), (#"{"A":["b"]}"#, 1, "A is an array"),
      (#"{"A":{"b":"c"}}"#, 1, "A is an object"), (#"{"A":"\u0000"}"#, 1, "A contains a NUL"),
      (#"{"":"b"}"#, 1, "'' is not a name"), (#"{"A=B":"c"}"#, 1, "'A=B' is not a name"),
      (#"{"A\u0000":"c"}"#, 1, "is not a name"),
    ] as [(String, Int, String)])
  func othersAreRefused(text: String, line: Int, reason: String) {
    let error = #expect(throws: VariableError.self) { try Self.read(text) }
    #expect(error?.line == line)
    #expect(error?.reason.contains(reason) ?? false, "\(error?.reason ?? "")")
  }

  @Test(arguments: [
    "{", "{]", #"{"A":"b","A":"c"}"#, #"{"A":"b"} x"#, "{\"A\":\"\u{0}\"}", "{A: b}",
  ])
  func jsonIsStrict(text: String) {
    #expect(throws: JSONError.self) { try Self.read(text) }
  }

  @Test func valuesNeedNotBeUTF8() throws {
    let variables = try SecretVariables(
      SecretBytes(copying: ([0x41, 0x3D, 0xFF] as [UInt8]).span.bytes))
    variables.variables[0].entry.bytes.withBytes { entry in
      #expect(entry.withUnsafeBytes { Array($0) } == [0x41, 0x3D, 0xFF, 0])
    }
  }

  /// Every beginning of a text is read or refused, and nothing is read beyond its end.
  @Test func everyBeginningIsReadOrRefused() {
    let text = Array("\u{FEFF}# c\r\nexport A='b\r\nc' # d\nE=\"f\\n\\\"\"\nG= h i \n".utf8)
    for count in 0...text.count {
      do { _ = try Self.read(bytes: Array(text.prefix(count))) } catch {
        #expect(error is VariableError)
      }
    }
  }

  @Test func theLaterOfTwoMessagesCounts() throws {
    func variables(_ text: String) throws -> SecretVariables {
      try SecretVariables(SecretBytes(copying: Array(text.utf8).span.bytes))
    }
    var all = try variables("A=1\nB=2")
    all.add(try variables("C=3\nA=4"), of: "file")
    #expect(all.variables.map(\.name) == ["A", "B", "C"])
    all.variables[0].entry.bytes.withBytes { entry in
      #expect(entry.withUnsafeBytes { Array($0) } == Array("A=4\0".utf8))
    }
    #expect(all.keep(["C", "D"]) == "D")
    #expect(all.keep(["C"]) == nil)
    #expect(all.variables.map(\.name) == ["C"])
  }

  @Test(arguments: [
    ("LD_PRELOAD", true), ("LD_", true), ("PATH", true), ("BASH_ENV", true), ("IFS", true),
    ("LDFLAGS", false), ("path", false), ("PGPASSWORD", false), ("ENV", false),
  ])
  func variablesThatRunOtherCodeAreKnown(name: String, isDangerous: Bool) throws {
    #expect(SecretVariable(name, line: 1, capacity: 0) { _ in 0 }.isDangerous == isDangerous)
  }
}
