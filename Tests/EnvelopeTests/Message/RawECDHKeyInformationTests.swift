import Testing

@testable import Envelope
@testable import TestSupport

@Suite struct RawECDHKeyInformationTests {
  private static func information(_ curve: Curve) throws -> RawECDHKeyInformation {
    RawECDHKeyInformation(
      recipient: try ECPrivateKey.generate(on: curve).publicKey(),
      sender: try ECPrivateKey.generate(on: curve).publicKey())
  }

  @Test(arguments: zip(Curve.allCases, [75, 107, 143]))
  func informationIsReadAsWritten(curve: Curve, length: Int) throws {
    let information = try Self.information(curve)
    let bytes = information.bytes
    #expect(bytes.count == length)
    let pointLength = UInt8(curve.compressedPointLength)
    #expect(
      bytes
        == [1, 0, 0, 0, pointLength] + information.recipient.compressedPoint
        + [0, 0, 0, pointLength] + information.sender.compressedPoint)
    #expect(RawECDHKeyInformation(parsing: bytes) == information)
    for count in 0..<bytes.count {
      #expect(RawECDHKeyInformation(parsing: Array(bytes.prefix(count))) == nil)
    }
    #expect(RawECDHKeyInformation(parsing: bytes + [0]) == nil)
  }

  @Test(arguments: [0, 1, 34, 0x7fff_ffff, 0xffff_ffff] as [UInt32])
  func hostileLengthsAreRefused(length: UInt32) throws {
    let bytes = try Self.information(.p256).bytes
    for offset in [1, 38] {
      var changed = bytes
      for index in 0..<4 {
        changed[offset + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index))
      }
      #expect(RawECDHKeyInformation(parsing: changed) == nil)
    }
  }

  @Test(arguments: [0, 2, 255] as [UInt8])
  func otherVersionsAreRefused(version: UInt8) throws {
    var bytes = try Self.information(.p256).bytes
    bytes[0] = version
    #expect(RawECDHKeyInformation(parsing: bytes) == nil)
  }

  @Test func keysOfTwoCurvesAreRefused() throws {
    let one = try Self.information(.p256).recipient.compressedPoint
    let other = try Self.information(.p384).sender.compressedPoint
    let bytes = [1, 0, 0, 0, 33] + one + [0, 0, 0, 49] + other
    #expect(RawECDHKeyInformation(parsing: bytes) == nil)
  }

  @Test func fixedInformationIsTheSpecifications() throws {
    let information = try Self.information(.p521)
    #expect(
      information.fixedInformation(context: [7, 8])
        == Array("ecdh-key-derivation\0p521\0HMAC_SHA384\0".utf8)
        + information.sender.compressedPoint + information.recipient.compressedPoint
        + [0, 1, 0, 7, 8])
    #expect(information.fixedInformation(context: []).suffix(3) == [0, 1, 0])
  }

  @Test(arguments: 0...120)
  func ciphertextIsReadAsWritten(length: Int) throws {
    let bytes = patternBytes(length)
    let ciphertext = RawECDHCiphertext(parsing: bytes)
    guard length >= 80 else {
      #expect(ciphertext == nil)
      return
    }
    let parsed = try #require(ciphertext)
    #expect(parsed.salt == Array(bytes[..<32]))
    #expect(parsed.commitmentKey == Array(bytes[32..<64]))
    #expect(parsed.sealed == Array(bytes[64...]))
    #expect(parsed.bytes == bytes)
  }

  @Test(arguments: ["raw-ecdh", "aws-kms-ecdh"])
  func keyNameIsTheRecipientsFingerprint(providerID: String) throws {
    let information = try Self.information(.p384)
    let fingerprint = try information.recipient.fingerprint()
    func name(_ providerID: String, _ bytes: [UInt8]) -> String {
      EncryptedDataKey(providerID: providerID, providerInformation: bytes, ciphertext: []).keyName
    }
    #expect(name(providerID, information.bytes) == fingerprint)
    // Information with another shape or from another provider is shown as it is.
    #expect(name(providerID, [0xff, 0]) == "ff00")
    #expect(name(providerID, Array("text".utf8)) == "text")
    #expect(name("raw-ecdh2", information.bytes) == Hexadecimal.encode(information.bytes))
  }
}
