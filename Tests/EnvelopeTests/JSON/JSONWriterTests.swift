import Foundation
import Testing

@testable import Envelope
@testable import TestSupport

@Suite struct JSONWriterTests {
  private func text(_ writer: consuming JSONWriter) -> String {
    String(decoding: writer.finish().exposed, as: UTF8.self)
  }

  private func write(_ writer: inout JSONWriter) {
    writer.beginObject()
    writer.name("a\"")
    writer.beginArray()
    writer.number("1.50")
    writer.string("x")
    writer.beginArray()
    writer.endArray()
    writer.beginObject()
    writer.endObject()
    writer.beginArray()
    writer.beginArray()
    writer.null()
    writer.endArray()
    writer.endArray()
    writer.endArray()
    writer.name("")
    writer.bool(true)
    writer.name("b")
    writer.beginObject()
    writer.name("c")
    writer.secret(SecretBytes(Array("s/\n".utf8)))
    writer.endObject()
    writer.endObject()
  }

  private static let compact = #"{"a\"":[1.50,"x",[],{},[[null]]],"":true,"b":{"c":"s/\n"}}"#

  @Test(arguments: [
    (JSONLayout.compact, compact),
    (
      .awsCLI,
      """
      {
          "a\\"": [
              1.50,
              "x",
              [],
              {},
              [
                  [
                      null
                  ]
              ]
          ],
          "": true,
          "b": {
              "c": "s/\\n"
          }
      }
      """
    ),
    (
      .keyringFile,
      """
      {
        "a\\"" : [
          1.50,
          "x",
          [],
          {},
          [
            [
              null
            ]
          ]
        ],
        "" : true,
        "b" : {
          "c" : "s/\\n"
        }
      }
      """
    ),
  ])
  func layouts(layout: JSONLayout, expected: String) throws {
    var writer = JSONWriter(layout)
    write(&writer)
    #expect(text(writer) == expected)
    // A document that was read is written in the same layout.
    var copy = JSONWriter(layout)
    copy.copy(try JSONDocument(Self.compact).root)
    #expect(text(copy) == expected)
  }

  /// A copy keeps names, strings and numbers exactly as they were written.
  @Test func copiesAreToTheLetter() throws {
    let json =
      #"{ "\u0061\/" : [ 1E+05 , -0.0, "\u00e9é\ud83d\ude00" ,true,false , null], "b":"" }"#
    var writer = JSONWriter(.compact)
    writer.copy(try JSONDocument(json).root)
    #expect(
      text(writer) == #"{"\u0061\/":[1E+05,-0.0,"\u00e9é\ud83d\ude00",true,false,null],"b":""}"#)
  }

  private static let strange =
    "\u{0}\u{1}\u{8}\t\n\u{B}\u{C}\r\u{1F} \"/\\\u{7F}\u{80}\u{85}é\u{61C}\u{2028}\u{202E}\u{FEFF}\u{FFFF}😀\u{E0001}"

  @Test(arguments: [
    (
      JSONEscapes(),
      #"\u0000\u0001\b\t\n\u000b\f\r\u001f \"/\\"#
        + "\u{7F}\u{80}\u{85}é\u{61C}\u{2028}\u{202E}\u{FEFF}\u{FFFF}😀\u{E0001}"
    ),
    (
      .slash,
      #"\u0000\u0001\b\t\n\u000b\f\r\u001f \"\/\\"#
        + "\u{7F}\u{80}\u{85}é\u{61C}\u{2028}\u{202E}\u{FEFF}\u{FFFF}😀\u{E0001}"
    ),
    (
      .delete,
      #"\u0000\u0001\b\t\n\u000b\f\r\u001f \"/\\\u007f"#
        + "\u{80}\u{85}é\u{61C}\u{2028}\u{202E}\u{FEFF}\u{FFFF}😀\u{E0001}"
    ),
    (
      .unprintable,
      #"\u0000\u0001\b\t\n\u000b\f\r\u001f \"/\\\u007f\u0080\u0085é\u061c\u2028\u202e\ufeff"#
        + "\u{FFFF}😀" + #"\udb40\udc01"#
    ),
  ])
  func escapes(escapes: JSONEscapes, expected: String) throws {
    for isName in [false, true] {
      var writer = JSONWriter(.compact, escaping: escapes)
      writer.beginObject()
      writer.name(isName ? Self.strange : "a")
      writer.string(isName ? "a" : Self.strange)
      writer.endObject()
      let json = text(writer)
      #expect(
        json.utf8.elementsEqual(
          (isName ? "{\"\(expected)\":\"a\"}" : "{\"a\":\"\(expected)\"}").utf8))
      let object = try #require(try JSONDocument(json).root.object)
      let member = object.members[0]
      guard case .string(let value) = member.value.content else { return #expect(Bool(false)) }
      #expect((isName ? member.name : value).utf8.elementsEqual(Self.strange.utf8))
    }
  }

  /// Every character survives writing and reading, also with Foundation as the reader.
  @Test func everyCharacterComesBack() throws {
    var texts: [String] = []
    for start in stride(from: 0, to: 0x110000, by: 128) {
      let scalars = (start..<start + 128).compactMap { Unicode.Scalar($0) }
      if !scalars.isEmpty { texts.append(String(String.UnicodeScalarView(scalars))) }
    }
    for escapes: JSONEscapes in [[], [.slash, .unprintable]] {
      var writer = JSONWriter(.awsCLI, escaping: escapes)
      writer.beginArray()
      for text in texts { writer.string(text) }
      writer.endArray()
      let json = text(writer)
      guard case .array(let values) = try JSONDocument(json).root.content else {
        return #expect(Bool(false))
      }
      let theirs = try JSONDecoder().decode([String].self, from: Data(json.utf8))
      for (index, text) in texts.enumerated() {
        guard case .string(let value) = values[index].content else { return #expect(Bool(false)) }
        #expect(value.utf8.elementsEqual(text.utf8))
        #expect(theirs[index].utf8.elementsEqual(text.utf8))
      }
      #expect(
        escapes.isEmpty || json.unicodeScalars.allSatisfy { $0 == "\n" || !$0.isUnprintable })
    }
  }

  /// Texts that outgrow the writer's initial memory are complete.
  @Test(arguments: [0, 1023, 1024, 1025, 100_000])
  func longTexts(count: Int) throws {
    let long = String(repeating: "é", count: count)
    var writer = JSONWriter()
    writer.beginArray()
    for _ in 0..<3 { writer.string(long) }
    writer.endArray()
    #expect(writer.count == 3 * (2 * count + 2) + 4)
    #expect(text(writer) == "[\"\(long)\",\"\(long)\",\"\(long)\"]")
  }
}
