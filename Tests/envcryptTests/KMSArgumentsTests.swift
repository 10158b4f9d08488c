import Foundation
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import TestSupport
@testable import envcrypt

// Requests of the KMS API that contain every kind of value.

private enum Algorithm: String, APIEnumeration {
  case symmetricDefault = "SYMMETRIC_DEFAULT"
  case sha1 = "RSAES_OAEP_SHA_1"
  case sha256 = "RSAES_OAEP_SHA_256"
}

private enum Operation: String, APIEnumeration {
  case encrypt = "Encrypt"
  case decrypt = "Decrypt"
}

private struct Encrypt: Decodable, Equatable {
  var keyID: String
  var plaintext: Blob
  var encryptionContext: EncryptionContext?
  var grantTokens: [String]?
  var encryptionAlgorithm: Algorithm?
  var dryRun: Bool?
}

private struct Recipient: Codable, Equatable {
  var keyEncryptionAlgorithm: Algorithm?
  var attestationDocument: Blob?
}

private struct GenerateDataKey: Decodable, Equatable {
  var keyID: String
  var numberOfBytes: Int?
  var recipient: Recipient?
}

private struct Tag: Codable, Equatable {
  var tagKey: String
  var tagValue: String
}

private struct TagResource: Decodable, Equatable {
  var keyID: String
  var tags: [Tag]
}

private struct Constraints: Codable, Equatable {
  var encryptionContextSubset: EncryptionContext?
  var encryptionContextEquals: EncryptionContext?
}

private struct CreateGrant: Decodable, Equatable {
  var operations: [Operation]
  var constraints: Constraints?
}

private struct CreateKey: Decodable, Equatable {
  var policy: String?
  var tags: [Tag]?
  var multiRegion: Bool?
}

private struct ImportKeyMaterial: Decodable {
  var keyID: String
  var encryptedKeyMaterial: SecretBlob
  var validTo: Date?
}

private struct UntagResource: Decodable, Equatable { var tagKeys: [String] }

@Suite struct KMSArgumentsTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func decode<Request: Decodable>(
    _ type: Request.Type, _ arguments: String...
  ) throws -> Request {
    try KMSArguments(arguments, home: directory.path).decode(type)
  }

  private func expect<Request: Decodable>(
    _ error: KMSArgumentError, _ type: Request.Type, _ arguments: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(throws: error, sourceLocation: sourceLocation) {
      _ = try KMSArguments(arguments, home: directory.path).decode(type)
    }
  }

  private func file(_ text: String, _ name: String = "file") throws -> String {
    try file(Array(text.utf8), name)
  }

  private func file(_ bytes: [UInt8], _ name: String = "file") throws -> String {
    let path = directory.path.appending(name)
    try write(bytes, to: path)
    return path.string
  }

  // MARK: Requests

  @Test func allOptionsOfARequest() throws {
    let request = try decode(
      Encrypt.self, "--key-id=alias/a=b", "--plaintext", "aGk=", "--encryption-context",
      "stage=prod,note='a,b'", "--grant-tokens", "one", "two", "--encryption-algorithm",
      "RSAES_OAEP_SHA_256", "--no-dry-run", "--region", "eu-west-1", "--output", "json",
      "--no-cli-pager")
    #expect(
      request
        == Encrypt(
          keyID: "alias/a=b", plaintext: Blob(Array("hi".utf8)),
          encryptionContext: ["stage": "prod", "note": "a,b"], grantTokens: ["one", "two"],
          encryptionAlgorithm: .sha256, dryRun: false))
  }

  @Test func whatIsAbsentIsNil() throws {
    let request = try decode(Encrypt.self, "--plaintext", "", "--key-id", "-1", "--dry-run")
    #expect(request == Encrypt(keyID: "-1", plaintext: Blob([]), dryRun: true))
  }

  @Test func theLastOfAnOptionCounts() throws {
    #expect(
      try decode(UntagResource.self, "--tag-keys", "a", "b", "--tag-keys", "c").tagKeys == ["c"])
  }

  @Test func ownOptionsAreTakenFirst() throws {
    var arguments = try KMSArguments([
      "--keystore", "k.db", "--tag-keys", "--json", "--no-paginate",
    ])
    #expect(try arguments.take("keystore") == "k.db")
    #expect(try arguments.take("key-file") == nil)
    #expect(try arguments.takeFlag("json"))
    #expect(try !arguments.takeFlag("json"))
    #expect(arguments.noPaginate)
    #expect(try arguments.decode(UntagResource.self).tagKeys.isEmpty)
    var several = try KMSArguments(["--keystore", "a", "b", "--key-file", "--json=1"])
    #expect(throws: KMSArgumentError.unexpectedArgument("b")) { try several.take("keystore") }
    #expect(throws: KMSArgumentError.missingValue("key-file")) { try several.take("key-file") }
    #expect(throws: KMSArgumentError.takesNoValue("json", found: "1")) {
      try several.takeFlag("json")
    }
  }

  // MARK: Values

  @Test(arguments: [
    ["stage=prod,note=a b"], ["stage=prod", "note=a b"], ["stage=prod,", "note=a b"],
    [#"{"stage":"prod","note":"a b"}"#], [#"{"stage":"prod","#, #""note":"a b"}"#],
  ])
  func mapsAreShorthandOrJSON(tokens: [String]) throws {
    let request = try KMSArguments(
      ["--key-id", "k", "--plaintext", "aGk=", "--encryption-context"] + tokens
    ).decode(Encrypt.self)
    #expect(request.encryptionContext == ["stage": "prod", "note": "a b"])
  }

  @Test(arguments: [
    ["TagKey=a,TagValue=1", "TagKey=b,TagValue="],
    ["TagKey=a,TagValue=1", #"{"TagKey":"b","TagValue":""}"#],
    [#" [{"TagKey":"a","TagValue":"1"},{"TagKey":"b","TagValue":""}]"#],
  ])
  func listsOfStructuresAreShorthandOrJSON(tokens: [String]) throws {
    let tags = try KMSArguments(["--key-id", "k", "--tags"] + tokens).decode(TagResource.self).tags
    #expect(tags == [Tag(tagKey: "a", tagValue: "1"), Tag(tagKey: "b", tagValue: "")])
  }

  @Test(arguments: [["a", "b c"], [#"["a","b c"]"#]])
  func listsOfStringsAreTokensOrJSON(tokens: [String]) throws {
    #expect(
      try KMSArguments(["--tag-keys"] + tokens).decode(UntagResource.self).tagKeys == ["a", "b c"])
  }

  @Test func structuresNest() throws {
    let wanted = CreateGrant(
      operations: [.encrypt, .decrypt],
      constraints: Constraints(encryptionContextSubset: ["a": "b", "c": "d"]))
    for constraints in [
      "EncryptionContextSubset={a=b,c=d}", #"{"EncryptionContextSubset":{"a":"b","c":"d"}}"#,
    ] {
      #expect(
        try decode(
          CreateGrant.self, "--operations", "Encrypt", "Decrypt", "--constraints", constraints)
          == wanted)
    }
    let document = try file([0xFF, 0], "document")
    #expect(
      try decode(
        GenerateDataKey.self, "--key-id", "k", "--number-of-bytes", "32", "--recipient",
        "KeyEncryptionAlgorithm=RSAES_OAEP_SHA_256,AttestationDocument@=fileb://\(document)")
        == GenerateDataKey(
          keyID: "k", numberOfBytes: 32,
          recipient: Recipient(
            keyEncryptionAlgorithm: .sha256, attestationDocument: Blob([0xFF, 0]))))
  }

  @Test func datesAreReadAndSecretsKept() throws {
    let request = try decode(
      ImportKeyMaterial.self, "--key-id", "k", "--encrypted-key-material", "AAEC", "--valid-to",
      "2026-11-23T20:15:00.25Z")
    #expect(request.validTo == Date(timeIntervalSince1970: 1_795_464_900.25))
    #expect(
      request.encryptedKeyMaterial.withBytes { $0.withUnsafeBytes { Array($0) } } == [0, 1, 2])
  }

  // MARK: Files

  @Test(arguments: ["base64", "raw-in-base64-out"])
  func blobsByFormat(format: String) throws {
    let lines = Data(patternBytes(100)).base64EncodedString(options: .lineLength76Characters) + "\n"
    let path = try file(lines)
    func plaintext(_ value: String) throws -> [UInt8] {
      try decode(
        Encrypt.self, "--key-id", "k", "--plaintext", value, "--cli-binary-format", format
      ).plaintext.bytes
    }
    let isRaw = format != "base64"
    #expect(try plaintext("fileb://\(path)") == Array(lines.utf8))
    #expect(try plaintext("file://\(path)") == (isRaw ? Array(lines.utf8) : patternBytes(100)))
    #expect(try plaintext("aGk=") == Array((isRaw ? "aGk=" : "hi").utf8))
    #expect(try plaintext("fileb:///dev/null").isEmpty)
    if isRaw {
      #expect(try plaintext("hi!") == Array("hi!".utf8))
      #expect(try plaintext(ArgumentBytes.string(from: [0xFF, 0x41])) == [0xFF, 0x41])
    } else {
      expect(.notBase64("plaintext"), Encrypt.self, "--key-id", "k", "--plaintext", "hi!")
      expect(.notBase64("plaintext"), Encrypt.self, "--key-id", "k", "--plaintext", "YWJjZA")
    }
  }

  @Test func textOfFilesIsKeptAsItIs() throws {
    let path = try file("{ }\n", "policy")
    #expect(try decode(CreateKey.self, "--policy", "file://\(path)").policy == "{ }\n")
    #expect(try decode(CreateKey.self, "--policy", "file://~/policy").policy == "{ }\n")
    #expect(try decode(CreateKey.self, "--policy=file:/x").policy == "file:/x")
    let strange = ArgumentBytes.string(from: Array("file://\(path)".utf8) + [0xFF])
    let named = FilePath(argument: String(strange.dropFirst("file://".count)))
    let descriptor = try FileDescriptor.open(
      named, .writeOnly, options: .create, permissions: .ownerReadWrite)
    _ = try descriptor.closeAfter { try descriptor.writeAll(Array("x".utf8)) }
    #expect(try decode(CreateKey.self, "--policy", strange).policy == "x")
    // A character that represents a byte in arguments represents itself in a file.
    let special = try file("\u{10FE41}", "private")
    #expect(try decode(CreateKey.self, "--policy", "file://\(special)").policy == "\u{10FE41}")
  }

  @Test func compositeValuesComeFromFiles() throws {
    let tags = try file(#"[{"TagKey":"a","TagValue":"b"}]"# + "\n", "tags")
    #expect(
      try decode(CreateKey.self, "--tags", "file://\(tags)").tags == [
        Tag(tagKey: "a", tagValue: "b")
      ])
    let context = try file("a=b\n", "context")
    #expect(
      try decode(
        Encrypt.self, "--key-id", "k", "--plaintext", "", "--encryption-context",
        "file://\(context)"
      ).encryptionContext == ["a": "b"])
    expect(
      .malformed("tags", "the file is not a JSON array"), CreateKey.self, "--tags",
      "file://\(context)")
  }

  @Test func filesThatCannotBeRead() throws {
    #expect(throws: IOError.self) {
      try decode(CreateKey.self, "--policy", "file:///does/not/exist")
    }
    let latin = try file([0x41, 0xE9])
    expect(
      .malformed(
        "policy", "expected text, but file://\(latin) is not; use file:// for a file in UTF-8"),
      CreateKey.self, "--policy", "file://\(latin)")
    expect(
      .malformed(
        "policy", "expected text, but fileb://\(latin) is not; use file:// for a file in UTF-8"),
      CreateKey.self, "--policy", "fileb://\(latin)")
    let large = try file([UInt8](repeating: 0x41, count: (1 << 20) + 1), "large")
    #expect { try decode(CreateKey.self, "--policy", "file://\(large)") } throws: {
      ($0 as? Failure)?.message.hasSuffix("that is not a value of an option") ?? false
    }
  }

  // MARK: JSON

  @Test func inputJSONFillsWhatNoOptionGives() throws {
    let json = """
      {"KeyId": "other", "Plaintext": "aGk=", "EncryptionContext": {"KeyId": "x"}, "DryRun": true,
       "GrantTokens": null}
      """
    let wanted = Encrypt(
      keyID: "mine", plaintext: Blob(Array("hi".utf8)), encryptionContext: ["KeyId": "x"],
      dryRun: false)
    for value in [json, "file://\(try file(json))"] {
      #expect(
        try decode(
          Encrypt.self, "--cli-input-json", value, "--key-id", "mine", "--no-dry-run") == wanted)
    }
  }

  @Test func rawBlobsInJSON() throws {
    let request = try decode(
      Encrypt.self, "--cli-binary-format", "raw-in-base64-out", "--cli-input-json",
      #"{"KeyId":"k","Plaintext":"hi!"}"#)
    #expect(request.plaintext.bytes == Array("hi!".utf8))
  }

  @Test(arguments: [
    (#"{"KeyId":"#, "it is not JSON: line 1, column 10: KeyId: expected a value, found the end"),
    ("", "it is not JSON: line 1, column 1: expected a value, found the end"),
    ("[]", "expected an object"),
    (
      "{\"KeyId\": \"k\",\n \"Tags\": [],}",
      "it is not JSON: line 2, column 13: expected a name in double quotes"
    ),
    (
      "{\"KeyId\": \"k\",\n \"Key\\u0049d\": \"l\"}",
      "line 2, column 2: 'KeyId' occurs twice in one object"
    ),
    (#"{"KeyId":1,"Tags":[]}"#, "KeyId: expected a string"),
    (#"{"KeyId":"k","Tags":{}}"#, "Tags: expected a list"),
    (#"{"KeyId":"k","Tags":[{"TagKey":"a"}]}"#, "Tags[0]: TagValue is missing"),
    (
      #"{"KeyId":"k","Tags":[{"TagKey":"a","TagValue":true}]}"#,
      "Tags[0].TagValue: expected a string"
    ),
  ])
  func malformedInputJSON(json: String, problem: String) {
    expect(.malformed("cli-input-json", problem), TagResource.self, "--cli-input-json", json)
  }

  @Test func unknownMembersOfJSON() {
    expect(
      .unknownMember("keyID", option: "cli-input-json", known: ["KeyId", "Tags"]),
      TagResource.self, "--cli-input-json", #"{"KeyId":"k","Tags":[],"keyID":"k"}"#)
    expect(
      .unknownMember("Key", option: "tags", known: ["TagKey", "TagValue"]), TagResource.self,
      "--key-id", "k", "--tags", #"[{"Key":"k","TagValue":"v"}]"#)
    expect(.missingOptions(["tags"]), TagResource.self, "--cli-input-json", #"{"KeyId":"k"}"#)
    expect(
      .missingOptions(["key-id", "tags"]), TagResource.self, "--cli-input-json",
      #"{"KeyId":null}"#)
  }

  // MARK: What is wrong

  @Test func missingOptionsAreNamedTogether() {
    expect(.missingOptions(["key-id", "plaintext"]), Encrypt.self, "--dry-run")
  }

  @Test(arguments: [
    ("keyid", "key-id"), ("key", "key-id"), ("plain-text", "plaintext"),
    ("encrypt", "encryption-context"), ("no-dryrun", "no-dry-run"), ("regoin", "region"),
    ("cli-input-jsn", "cli-input-json"), ("frobnicate", nil), ("x", nil), ("", nil),
    (String(repeating: "k", count: 100_000), nil),
  ])
  func unknownOptionsSuggestTheNearest(name: String, nearest: String?) {
    expect(
      .unknownOption(name, nearest: nearest), Encrypt.self, "--key-id", "k", "--plaintext", "",
      "--\(name)=v")
  }

  @Test func strayValues() {
    expect(.unexpectedArgument("x"), UntagResource.self, "x", "--tag-keys", "a")
    expect(.unexpectedArgument("b"), UntagResource.self, "--tag-keys=a", "b")
    expect(.unexpectedArgument("--"), UntagResource.self, "--")
    expect(.unexpectedArgument("y"), GenerateDataKey.self, "--key-id", "x", "y")
    expect(.missingValue("key-id"), GenerateDataKey.self, "--key-id")
    expect(.missingValue("recipient"), GenerateDataKey.self, "--key-id", "k", "--recipient")
    expect(.takesNoValue("multi-region", found: "true"), CreateKey.self, "--multi-region", "true")
    expect(
      .takesNoValue("no-multi-region", found: ""), CreateKey.self, "--no-multi-region=")
    expect(
      .contradiction("multi-region"), CreateKey.self, "--multi-region", "--no-multi-region")
  }

  @Test(arguments: [
    ("--query", "query"), ("--endpoint-url", "endpoint-url"), ("--max-items", "max-items"),
    ("--page-size", "page-size"), ("--starting-token", "starting-token"),
    ("--output", "output table"),
  ])
  func optionsWithNoUseHereAreRefused(option: String, name: String) {
    #expect {
      _ = try KMSArguments([option, "table"])
    } throws: {
      guard case .refused(name, let hint)? = $0 as? KMSArgumentError else { return false }
      return !hint.isEmpty
    }
  }

  @Test func unusableValues() {
    func key<Request: Decodable>(
      _ type: Request.Type, _ option: String, _ value: String, _ what: String
    ) {
      expect(.malformed(option, what), type, "--key-id", "k", "--\(option)", value)
    }
    key(GenerateDataKey.self, "number-of-bytes", "1x", "'1x' is not a whole number")
    key(
      GenerateDataKey.self, "number-of-bytes", "9999999999999999999",
      "'9999999999999999999' is not a whole number")
    expect(
      .malformed("valid-to", "'soon' is not a date: 2026-11-23T20:15:00Z, or seconds since 1970"),
      ImportKeyMaterial.self, "--key-id", "k", "--encrypted-key-material", "AA==", "--valid-to",
      "soon")
    key(
      GenerateDataKey.self, "recipient", "KeyEncryptionAlgorithm=RSA",
      "KeyEncryptionAlgorithm: 'RSA' is not one of "
        + "SYMMETRIC_DEFAULT, RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256")
    key(GenerateDataKey.self, "recipient", "x", "expected '=', found the end")
    key(
      GenerateDataKey.self, "recipient", "KeyEncryptionAlgorithm=[a]",
      "KeyEncryptionAlgorithm: expected one value, not several; quote a value that has a comma")
    key(TagResource.self, "tags", "TagKey=a", "TagValue is missing")
    key(
      TagResource.self, "tags", "[{]",
      "it is not JSON: line 1, column 3: [0]: expected a name in double quotes")
    expect(
      .unknownMember("Key", option: "tags", known: ["TagKey", "TagValue"]), TagResource.self,
      "--key-id", "k", "--tags", "Key=a,TagValue=b")
    expect(
      .malformed(
        "constraints",
        "EncryptionContextEquals.a: expected one value, not several; quote a value that has a comma"
      ),
      CreateGrant.self, "--operations", "Encrypt", "--constraints",
      "EncryptionContextEquals={a=[b,c]}")
    expect(
      .malformed("operations", "'x' is not one of Encrypt, Decrypt"), CreateGrant.self,
      "--operations", "Encrypt", "x")
    let bytes = ArgumentBytes.string(from: [0x41, 0xFF])
    expect(.malformed("policy", "'\(bytes)' is not UTF-8"), CreateKey.self, "--policy", bytes)
    expect(
      .malformed("cli-binary-format", "'hex' is not one of base64, raw-in-base64-out"),
      CreateKey.self, "--cli-binary-format", "hex")
  }

  @Test(arguments: [
    (
      KMSArgumentError.missingOptions(["key-id", "plaintext"]),
      "the following arguments are required: --key-id, --plaintext"
    ),
    (.unknownOption("key\u{1B}", nearest: "key-id"), "unknown option --key\\u{1b}"),
    (
      .malformed("limit", "'\u{202E}' is not a whole number"),
      "--limit: '\\u{202e}' is not a whole number"
    ),
    (.contradiction("dry-run"), "--dry-run and --no-dry-run cannot be used together"),
    (.refused("query", hint: "jq"), "--query is not supported"),
  ])
  func errorsAreUsageErrors(error: KMSArgumentError, message: String) {
    let failure = Failure(error)
    #expect(failure.message == message)
    #expect(failure.status == .usage)
  }

  // MARK: Descriptions

  @Test func requestsDescribeThemselves() {
    #expect(
      KMSOption.describe(Encrypt.self).map { "\($0.member) \($0.name) \($0.isRequired)" } == [
        "KeyId key-id true", "Plaintext plaintext true",
        "EncryptionContext encryption-context false", "GrantTokens grant-tokens false",
        "EncryptionAlgorithm encryption-algorithm false", "DryRun dry-run false",
      ])
    #expect(
      KMSOption.describe(CreateGrant.self) == [
        KMSOption(
          property: "operations", kind: .list(.enumeration(["Encrypt", "Decrypt"])),
          isRequired: true),
        KMSOption(
          property: "constraints",
          kind: .structure([
            KMSOption(property: "encryptionContextSubset", kind: .map, isRequired: false),
            KMSOption(property: "encryptionContextEquals", kind: .map, isRequired: false),
          ]), isRequired: false),
      ])
  }

  @Test func helpNamesEveryOption() {
    #expect(
      KMSOption.helpText(operation: "Encrypt", for: Encrypt.self) == """
        Usage: envcrypt kms encrypt --key-id <string> --plaintext <blob> [option …]

          --key-id <string>  (required)
          --plaintext <blob>  (required)
          --encryption-context <key=value,…>
          --grant-tokens <string> …
          --encryption-algorithm <value>
              SYMMETRIC_DEFAULT, RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256
          --dry-run | --no-dry-run
          --cli-input-json <json>
          --cli-binary-format <base64 | raw-in-base64-out>

        file://PATH is replaced by the text of a file, fileb://PATH by its bytes.
        """)
    let tags = KMSOption.helpText(operation: "TagResource", for: TagResource.self)
    #expect(
      tags.contains("\n  --tags TagKey=<string>,TagValue=<string> …  (required)\n"))
    #expect(!tags.contains("--cli-binary-format"))
  }
}
