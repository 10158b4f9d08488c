import Foundation
import Testing

@testable import Envelope
@testable import TestSupport

@Suite struct KeyringFileTests {
  private func read(_ text: String) throws -> KeyringFile {
    try KeyringFile(parsing: Array(text.utf8))
  }

  private func reason(_ text: String) -> String {
    do {
      _ = try read(text)
      return "none"
    } catch KeyringError.malformedFile(let reason) {
      return reason
    } catch {
      return "\(error)"
    }
  }

  private static let entry = """
    "provider-id": "p", "key-id": "k", "algorithm": "aes", "type": "symmetric", "encoding": "base64"
    """

  @Test func escapesAreRead() throws {
    let file = try read(
      """
      \u{20}{"other": [1, -2.5e3, true, null, {"keys": "x"}], "keys": {"b": {\(Self.entry),
      "material": "A\\u0041\\/\\"\\\\\\b\\f\\n\\r\\t\\ud83d\\ude00é", "bits": null, "more": []},
      "a": {\(Self.entry), "material": "", "bits": 256}}}

      """)
    #expect(file.keys.map { $0.bits } == [256, nil])
    #expect(
      file.keys[1].material.bytes.exposed == Array("AA/\"\\\u{08}\u{0C}\n\r\t😀é".utf8))
  }

  @Test func whatIsWrittenIsReadAndIsJSON() throws {
    var entry = try read("{\"keys\": [{\(Self.entry), \"material\": \"\"}]}").keys[0]
    entry.keyID = "a\"b\\c\n\u{01}\u{7F}é/\u{202E}"
    entry.material = "-----BEGIN\nx\"\\\t-----"
    entry.bits = 256
    let file = KeyringFile(keys: [entry, entry])
    #expect(try KeyringFile(parsing: file.serialized()) == file)
    let json = try JSONSerialization.jsonObject(with: Data(file.serialized().exposed))
    let keys = try #require((json as? [String: [[String: Any]]])?["keys"])
    #expect(keys[1]["key-id"] as? String == entry.keyID)
    #expect(keys[1]["material"] as? String == "-----BEGIN\nx\"\\\t-----")
  }

  @Test(arguments: [
    "{", "{\"keys\": [", "{\"keys\": [}", "{\"keys\": []} x", "{\"a\" 1}", "{\"a\": tru}",
    "{\"a\": \"x}", "{\"a\": \"\\", "{\"a\": \"\\u12", "{\"a\": \"\\x\"}", "{\"a\": \"\n\"}",
    "{\"a\": \"\\ud800\"}", "{\"a\": \"\\ud800\\u0041\"}", "{\"a\": 1,}", "{,}", "{\"a\": --1}",
    "{\"a\": 01}", "{\"a\": .5}", "{\"a\": +1}", "{\"a\": 1.}", "{\"a\": [1,]}",
    "{\"a\": \"\u{1}\"}",
  ])
  func whatIsNoJSONIsRefused(text: String) {
    let reason = reason(text)
    #expect(
      reason.hasPrefix("it is neither JSON nor a PEM key: line 1, column ")
        || reason.hasPrefix("it is neither JSON nor a PEM key: line 2, column "),
      "\(reason)")
  }

  @Test(arguments: [("[", 100_000, 38), ("{\"a\":", 33, 162)])
  func nestingIsBounded(opening: String, count: Int, column: Int) {
    #expect(
      reason("{\"a\": " + String(repeating: opening, count: count)).hasSuffix(
        "column \(column): objects and arrays are nested more than 32 levels deep"))
  }

  @Test func placesAreNamed() {
    #expect(reason("[]") == "the file is of the wrong type")
    #expect(reason("{\"keys\": 1}") == "keys is of the wrong type")
    #expect(reason("{\"keys\": [], \"keys\": []}") == "the file has 'keys' twice")
    #expect(reason("{\"keys\": [{}]}") == "keys.0 has no 'provider-id'")
    #expect(reason("{\"keys\": [{\"bits\": 1.5}]}") == "keys.0.bits has an unknown value")
    #expect(reason("{\"keys\": [{\"bits\": 1, \"bits\": 1}]}") == "keys.0 has 'bits' twice")
    #expect(reason("{\"keys\": {\"n\": {\"type\": 3}}}") == "keys.n.type is of the wrong type")
    #expect(reason("{\"keys\": {\"n\": {}, \"\\u006E\": {}}}") == "keys has 'n' twice")
    #expect(reason("{\"keys\": [{\(Self.entry)}]}") == "keys.0 has no 'material'")
    let odd = Self.entry.replacingOccurrences(of: "aes", with: "des")
    #expect(
      reason("{\"keys\": [{\(odd), \"material\": \"\"}]}")
        == "keys.0.algorithm has an unknown value")
  }
}
