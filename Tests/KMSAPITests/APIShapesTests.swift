import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import TestSupport

@Suite struct APINameTests {
  /// The operations of the KMS API with botocore's command names.
  private static let operations = """
    CancelKeyDeletion cancel-key-deletion
    ConnectCustomKeyStore connect-custom-key-store
    CreateAlias create-alias
    CreateCustomKeyStore create-custom-key-store
    CreateGrant create-grant
    CreateKey create-key
    Decapsulate decapsulate
    Decrypt decrypt
    DeleteAlias delete-alias
    DeleteCustomKeyStore delete-custom-key-store
    DeleteImportedKeyMaterial delete-imported-key-material
    DeriveSharedSecret derive-shared-secret
    DescribeCustomKeyStores describe-custom-key-stores
    DescribeKey describe-key
    DisableKey disable-key
    DisableKeyRotation disable-key-rotation
    DisconnectCustomKeyStore disconnect-custom-key-store
    EnableKey enable-key
    EnableKeyRotation enable-key-rotation
    Encapsulate encapsulate
    Encrypt encrypt
    GenerateDataKey generate-data-key
    GenerateDataKeyPair generate-data-key-pair
    GenerateDataKeyPairWithoutPlaintext generate-data-key-pair-without-plaintext
    GenerateDataKeyWithoutPlaintext generate-data-key-without-plaintext
    GenerateMac generate-mac
    GenerateRandom generate-random
    GetKeyLastUsage get-key-last-usage
    GetKeyPolicy get-key-policy
    GetKeyRotationStatus get-key-rotation-status
    GetParametersForImport get-parameters-for-import
    GetPublicKey get-public-key
    ImportKeyMaterial import-key-material
    ListAliases list-aliases
    ListGrants list-grants
    ListKeyPolicies list-key-policies
    ListKeyRotations list-key-rotations
    ListKeys list-keys
    ListResourceTags list-resource-tags
    ListRetirableGrants list-retirable-grants
    PutKeyPolicy put-key-policy
    ReEncrypt re-encrypt
    ReplicateKey replicate-key
    RetireGrant retire-grant
    RevokeGrant revoke-grant
    RotateKeyOnDemand rotate-key-on-demand
    ScheduleKeyDeletion schedule-key-deletion
    Sign sign
    TagResource tag-resource
    UntagResource untag-resource
    UpdateAlias update-alias
    UpdateCustomKeyStore update-custom-key-store
    UpdateKeyDescription update-key-description
    UpdatePrimaryRegion update-primary-region
    Verify verify
    VerifyMac verify-mac
    """.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }

  /// The members of the API's shapes.
  private static let members = """
    AWSAccountId AccessKeyId AliasArn AliasName Aliases Arn AttestationDocument \
    BypassPolicyLockoutSafetyCheck CiphertextBlob CiphertextForRecipient CloudHsmClusterId \
    CloudTrailEventId ConnectionErrorCode ConnectionState Connectivity Constraints CreationDate \
    CurrentKeyMaterialId CustomKeyStoreId CustomKeyStoreName CustomKeyStoreType CustomKeyStores \
    CustomerMasterKeySpec DeletionDate Description DestinationEncryptionAlgorithm \
    DestinationEncryptionContext DestinationKeyId DestinationKeyMaterialId DryRun \
    DryRunModifiers Enabled EncryptedKeyMaterial EncryptionAlgorithm EncryptionAlgorithms \
    EncryptionContext EncryptionContextEquals EncryptionContextSubset ExpirationModel GrantId \
    GrantToken GrantTokens GranteePrincipal Grants Id ImportState ImportToken ImportType \
    IncludeKeyMaterial IssuingAccount KeyAgreementAlgorithm KeyAgreementAlgorithms KeyArn \
    KeyCreationDate KeyEncryptionAlgorithm KeyId KeyLastUsage KeyManager KeyMaterialDescription \
    KeyMaterialId KeyMaterialState KeyMetadata KeyOrigin KeyPairSpec KeyRotationEnabled KeySpec \
    KeyState KeyStorePassword KeyUsage Keys KmsRequestId LastUpdatedDate Limit Mac MacAlgorithm \
    MacAlgorithms MacValid Marker Message MessageType MultiRegion MultiRegionConfiguration \
    MultiRegionKeyType Name NewCustomKeyStoreName NextMarker NextRotationDate NumberOfBytes \
    OnDemandRotationStartDate Operation Operations Origin ParametersValidTo \
    PendingDeletionWindowInDays PendingWindowInDays Plaintext Policy PolicyName PolicyNames \
    PrimaryKey PrimaryRegion PrivateKeyCiphertextBlob PrivateKeyPlaintext PublicKey \
    RawSecretAccessKey Recipient Region ReplicaKeyMetadata ReplicaKeys ReplicaPolicy \
    ReplicaRegion ReplicaTags RetiringPrincipal RotationDate RotationPeriodInDays RotationType \
    Rotations SharedSecret Signature SignatureValid SigningAlgorithm SigningAlgorithms \
    SourceEncryptionAlgorithm SourceEncryptionContext SourceKeyId SourceKeyMaterialId TagKey \
    TagKeys TagValue Tags TargetKeyId Timestamp TrackingStartDate Truncated \
    TrustAnchorCertificate UriEndpoint UriPath ValidTo VpcEndpointServiceName \
    VpcEndpointServiceOwner WrappingAlgorithm WrappingKeySpec XksKeyConfiguration XksKeyId \
    XksProxyAuthenticationCredential XksProxyConfiguration XksProxyConnectivity \
    XksProxyUriEndpoint XksProxyUriPath XksProxyVpcEndpointServiceName \
    XksProxyVpcEndpointServiceOwner
    """.split(separator: " ").map(String.init)

  @Test func operationsAreNamedAsTheAWSCLINamesThem() {
    #expect(Self.operations.count == 56)
    for names in Self.operations { #expect(APIName.command(names[0]) == names[1]) }
  }

  @Test(arguments: members)
  func membersComeBackFromTheirProperties(member: String) {
    let property = APIName.property(member)
    #expect(property.first!.isLowercase)
    #expect(APIName.member(property) == member)
  }

  @Test(arguments: [
    ("keyID", "KeyId", "key-id"), ("targetKeyID", "TargetKeyId", "target-key-id"),
    ("aliasARN", "AliasArn", "alias-arn"), ("arn", "Arn", "arn"), ("id", "Id", "id"),
    ("awsAccountID", "AWSAccountId", "aws-account-id"), ("dryRun", "DryRun", "dry-run"),
    ("encryptionContext", "EncryptionContext", "encryption-context"),
    ("keyIDFormat", "KeyIdFormat", "key-id-format"),
    ("cloudHsmClusterID", "CloudHsmClusterId", "cloud-hsm-cluster-id"),
  ])
  func threeSpellings(property: String, member: String, option: String) {
    #expect(APIName.member(property) == member)
    #expect(APIName.member(member) == member)
    #expect(APIName.property(member) == property)
    #expect(APIName.option(property) == option)
  }
}

@Suite struct APICodingTests {
  /// Keys are compared as bytes. Two keys that are equal in Unicode must both be kept. Finding F10
  /// of docs/spec-conformance.md.
  @Test func keysThatUnicodeHasEqualAreTwo() throws {
    for json in [
      #"{"\u00e9": "composed", "e\u0301": "decomposed"}"#,
      "{\"\u{E9}\": \"composed\",\n\"e\u{301}\" : \"decomposed\"}",
    ] {
      let context = try APICoding.decode(EncryptionContext.self, from: json)
      #expect(context == ["e\u{301}": "decomposed", "\u{E9}": "composed"])
      #expect(context.pairs.count == 2)
      let text = try APICoding.text(of: context)
      #expect(
        text.utf8.elementsEqual(
          "{\n    \"e\u{301}\": \"decomposed\",\n    \"\u{E9}\": \"composed\"\n}".utf8))
      #expect(try APICoding.decode(EncryptionContext.self, from: text) == context)
    }
  }

  /// Every key survives encoding and decoding, including keys that contain the characters used
  /// internally as carriers.
  @Test func keysComeBackAsTheyWere() throws {
    let context: EncryptionContext = [
      "": "empty", "a\"b\\c\u{1}\n": "escapes", "\u{10F7E9}\u{10F780}x": "carriers",
      "\u{212A}": "kelvin", "K": "letter", "\":": "quote and colon", "名前/😀": "\u{10F7E9}\":é",
    ]
    let text = try APICoding.text(of: ["context": context])
    #expect(
      try APICoding.decode([String: EncryptionContext].self, from: text) == ["context": context])
    let plain = try JSONDecoder().decode([String: [String: String]].self, from: Data(text.utf8))
    #expect(plain["context"]?["\u{10F7E9}\u{10F780}x"] == "carriers")
    #expect(plain["context"]?["名前/😀"] == "\u{10F7E9}\":é")
  }

  /// A key may occur only once, compared byte by byte after escapes are decoded.
  @Test(arguments: [
    (#"{"é": "1", "a": "3", "\u00e9": "2"}"#, "line 1, column 22: 'é' occurs twice in one object"),
    (#"{"a": "3", "\u0061": "4"}"#, "line 1, column 12: 'a' occurs twice in one object"),
  ])
  func keysThatAreEqualAreRefused(json: String, expected: String) {
    #expect { try APICoding.decode(EncryptionContext.self, from: json) } throws: {
      problem($0) == expected
    }
  }

  @Test(arguments: [
    "{", "{\"a", "{\"a\\", "{\"é\\", "{\"\\ud800\": \"x\"}", "{\"é\": 1}", "[\"é\"]", "{\"é\":", "",
    #"{"\ux": "y"}"#,
  ])
  func otherTextIsNoContext(text: String) {
    #expect(throws: DecodingError.self) {
      try APICoding.decode(EncryptionContext.self, from: text)
    }
  }

  private enum Color: String, APIEnumeration {
    case red = "RED"
    case green = "GREEN"
  }

  private struct Shape: Codable, Equatable {
    struct Inner: Codable, Equatable {
      var keyARN: String
    }
    var awsAccountID: String?
    var keyID: String
    var encryptionContext: EncryptionContext
    var inner: [Inner]
    var color: Color?
    var ciphertextBlob: Blob?
    var creationDate: Date?
  }

  @Test func membersAreRenamedAndKeysOfMapsAreNot() throws {
    let shape = Shape(
      awsAccountID: "0", keyID: "a/b",
      encryptionContext: ["keyID": "1", "KeyId": "2", "some key": "3", "ID": "4"],
      inner: [Shape.Inner(keyARN: "x")], color: .green, ciphertextBlob: Blob([0xFB, 0xFF]),
      creationDate: Date(milliseconds: 1_795_464_900_250))
    let text = """
      {
          "AWSAccountId": "0",
          "CiphertextBlob": "+/8=",
          "Color": "GREEN",
          "CreationDate": "2026-11-23T20:15:00.250000+00:00",
          "EncryptionContext": {
              "ID": "4",
              "KeyId": "2",
              "keyID": "1",
              "some key": "3"
          },
          "Inner": [
              {
                  "KeyArn": "x"
              }
          ],
          "KeyId": "a/b"
      }
      """
    #expect(try APICoding.text(of: shape) == text)
    #expect(try APICoding.decode(Shape.self, from: text) == shape)
  }

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00+00:00"), (1, "1970-01-01T00:00:00.001000+00:00"),
      (-1, "1969-12-31T23:59:59.999000+00:00"), (-1000, "1969-12-31T23:59:59+00:00"),
      (951_827_696_789, "2000-02-29T12:34:56.789000+00:00"),
      (-62_135_596_800_000, "0001-01-01T00:00:00+00:00"),
      (253_402_300_799_999, "9999-12-31T23:59:59.999000+00:00"),
    ] as [(Int64, String)])
  func datesAreWrittenAsTheAWSCLIPrintsThem(milliseconds: Int64, text: String) throws {
    let date = Date(milliseconds: milliseconds)
    let json = try APICoding.text(of: [date])
    #expect(try JSONDecoder().decode([String].self, from: Data(json.utf8)) == [text])
    #expect(APICoding.date(from: text) == date)
    #expect(try APICoding.decode([Date].self, from: json) == [date])
  }

  @Test(arguments: [-62_135_596_800_001, 253_402_300_800_000, Int64.max / 4096])
  func datesOfNoYearAreNotWritten(milliseconds: Int64) {
    #expect(throws: EncodingError.self) {
      try APICoding.text(of: [Date(milliseconds: milliseconds)])
    }
  }

  @Test(
    arguments: [
      ("2026-11-23T20:15:00Z", 1_795_464_900_000), ("2026-11-23t20:15z", 1_795_464_900_000),
      ("2026-11-23 21:15:00+01:00", 1_795_464_900_000),
      ("2026-11-23T10:45:00.5-0930", 1_795_464_900_500),
      ("2026-11-23T22:15:00,250499999+02", 1_795_464_900_250),
      ("2026-11-23T20:15:00.9996Z", 1_795_464_901_000), ("2026-11-23", 1_795_392_000_000),
      ("2024-02-29", 1_709_164_800_000), ("1795464900", 1_795_464_900_000),
      ("1795464900.25", 1_795_464_900_250), ("-1", -1000), ("0", 0),
    ] as [(String, Int64)])
  func datesAreRead(text: String, milliseconds: Int64) throws {
    #expect(APICoding.date(from: text)?.milliseconds == milliseconds)
  }

  @Test(arguments: [
    "", "Z", "tomorrow", "2026-11", "2026-11-23T20:15:00", "2026-11-23T", "2026-11-23TZ",
    "2026-02-29", "2026-13-01", "2026-00-01", "2026-11-00", "2026-11-31T00:00Z",
    "2026-11-23T24:00:00Z", "2026-11-23T20:60:00Z", "2026-11-23T20:15:60Z",
    "2026-11-23T20:15:00.Z", "2026-11-23T20:15:00+", "2026-11-23T20:15:00+1",
    "2026-11-23T20:15:00+25:00", "2026-11-23T20:15:00+01:60", "2026-11-23T20:15:00+01:",
    "2026-11-23T20:15:00Zx", "+2026-11-23", "26-11-23", "0000-01-01", "99999999999999999999",
    "nan", "inf", "0x10", "1e3", "--1", "1-1", "0001-01-01T00:00:00+00:01", "２０２６-11-23",
  ])
  func otherTextIsNoDate(text: String) throws {
    #expect(APICoding.date(from: text) == nil)
    let json = String(decoding: try JSONEncoder().encode([text]), as: UTF8.self)
    #expect { try APICoding.decode([Date].self, from: json) } throws: {
      problem($0)?.contains("'\(text)' is not a date") ?? false
    }
  }

  @Test func numbersAreSecondsSince1970() throws {
    let dates = try APICoding.decode([Date].self, from: "[1.5, -1]")
    #expect(dates.map(\.milliseconds) == [1500, -1000])
    #expect(throws: DecodingError.self) {
      try APICoding.decode([Date].self, from: "[1e300]")
    }
  }

  @Test(arguments: [0, 1, 2, 3, 4096])
  func blobsAreBase64(count: Int) throws {
    let bytes = patternBytes(count)
    let text = "[\"\(Data(bytes).base64EncodedString())\"]"
    let blobs = try APICoding.decode([Blob].self, from: text)
    let secrets = try APICoding.decode([SecretBlob].self, from: text)
    #expect(blobs == [Blob(bytes)])
    #expect(secrets[0].withBytes { $0.withUnsafeBytes { Array($0) } } == bytes)
    #expect(secrets[0].count == count)
    for data in [try JSONEncoder().encode(blobs), try JSONEncoder().encode(secrets)] {
      let strings = try JSONDecoder().decode([String].self, from: data)
      #expect(strings == [Data(bytes).base64EncodedString()])
    }
  }

  @Test(arguments: ["A", "AAA", "AB==", "AA AA", "AAAA\\n", "====", "AAA*", "é"])
  func malformedBase64IsRefused(text: String) {
    let json = "[\"\(text)\"]"
    #expect { try APICoding.decode([Blob].self, from: json) } throws: {
      problem($0) == "the value is not base64"
    }
    #expect { try APICoding.decode([SecretBlob].self, from: json) } throws: {
      problem($0) == "the value is not base64"
    }
  }

  @Test func rawBlobsAreTheirText() throws {
    let json = "[\"AB==é\"]"
    let blobs = try APICoding.decode([Blob].self, from: json, blobs: .raw)
    #expect(blobs == [Blob(Array("AB==é".utf8))])
    #expect(try APICoding.decode([SecretBlob].self, from: json, blobs: .raw)[0].count == 6)
  }

  @Test func secretsAreNotShown() {
    let secret = SecretBlob(SecretBytes(Array("hunter2".utf8)))
    var dumped = ""
    dump(secret, to: &dumped)
    #expect("\(secret) \(String(reflecting: secret))" == "SecretBlob SecretBlob")
    #expect(dumped == "- SecretBlob #0\n")
    #expect(Mirror(reflecting: secret).children.isEmpty)
  }

  @Test func unknownValuesAreRefusedWithTheKnownOnes() throws {
    #expect(
      try APICoding.decode([Color].self, from: "[\"RED\"]") == [.red])
    #expect { try APICoding.decode([Color].self, from: "[\"red\"]") } throws: {
      problem($0) == "'red' is not one of RED, GREEN"
    }
  }

  private func problem(_ error: any Error) -> String? {
    guard case .dataCorrupted(let context)? = error as? DecodingError else { return nil }
    return context.debugDescription
  }
}
