import Testing

@testable import envcrypt

@Suite struct ContextPairsTests {
  @Test(arguments: [
    ("a=b", ["a=b"]), ("a=b,c=d", ["a=b", "c=d"]), ("a=", ["a="]), ("a=,b=", ["a=", "b="]),
    ("a=1,2", ["a=1,2"]), ("a=1,2,b=3", ["a=1,2", "b=3"]), ("a,b=c", ["a,b=c"]),
    ("a=b,=c", ["a=b,=c"]), ("a=b\\,c=d", ["a=b,c=d"]), ("a=b\\,c=d,e=f", ["a=b,c=d", "e=f"]),
    ("a=b\\c", ["a=b\\c"]), ("a=b,", ["a=b,"]), ("", [""]), ("a", ["a"]),
    ("é=ü,ö=ä", ["é=ü", "ö=ä"]),
    (#"{"a":"b","c":"d"}"#, ["a=b", "c=d"]), (#"{"a":"b,c=d"}"#, ["a=b,c=d"]), ("{a=b}", ["{a=b}"]),
  ])
  func aCommaBeginsAPairIfAKeyFollows(text: String, pairs: [String]) throws {
    #expect(try ContextPairs.split(text) == pairs)
  }

  @Test(arguments: [#"{"a":1}"#, #"{"a":"b""c"}"#])
  func wrongJSONIsRefused(text: String) {
    #expect(throws: KMSArgumentError.self) { try ContextPairs.split(text) }
  }
}
