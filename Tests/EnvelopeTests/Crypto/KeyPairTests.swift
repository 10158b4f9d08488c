import Testing

@testable import Envelope
@testable import TestSupport

@Suite struct KeyPairTests {
  /// The identity of a key must not depend on the form in which a program wrote it.
  @Test(arguments: ECKeys.agreements)
  func theFormThatAKeyCameInIsForgotten(agreement: ECKeys.Agreement) throws {
    let key = try agreement.privateKey()
    let spki = try key.publicKey().subjectPublicKeyInfo()
    let compressed = try key.publicKey().compressedPoint
    let uncompressed = Array(spki.suffix(2 * (compressed.count - 1) + 1))
    let forms = try [nil, compressed, uncompressed].map { point in
      let der = ECKeys.privateKey(
        on: agreement.curve, scalar: agreement.scalar, point: point)
      let pair = try KeyPair(pkcs8: SecretBytes(der))
      #expect(pair.kind == .ec(agreement.curve))
      #expect(try pair.subjectPublicKeyInfo() == spki)
      return try pair.pkcs8().exposed
    }
    #expect(forms[0] == forms[2] && forms[1] == forms[2])
  }

  @Test(arguments: [
    KeyPairKind.rsa(bits: 2048), .ec(.p256), .ec(.p384), .ec(.p521), .secp256k1, .ed25519,
  ])
  func keysSurviveTheirEncoding(kind: KeyPairKind) throws {
    let pair = try KeyPair.generate(kind)
    let again = try KeyPair(pkcs8: try pair.pkcs8())
    #expect(pair.kind == kind && again.kind == kind)
    #expect(try again.pkcs8().exposed == pair.pkcs8().exposed)
    #expect(try again.subjectPublicKeyInfo() == pair.subjectPublicKeyInfo())
  }

  @Test(arguments: [KeyPairKind.rsa(bits: 2048), .ec(.p256), .ed25519])
  func bytesBehindAKeyAreRefused(kind: KeyPairKind) throws {
    let pair = try KeyPair.generate(kind)
    let der = try pair.pkcs8().exposed
    let spki = try pair.subjectPublicKeyInfo()
    for rest in [[0], [0x05, 0], der] {
      #expect(
        throws: CryptoError.invalidKey("a DER private key with \(rest.count) bytes after it")
      ) { _ = try KeyPair(pkcs8: SecretBytes(der + rest)).kind }
      #expect(
        throws: CryptoError.invalidKey("a SubjectPublicKeyInfo with \(rest.count) bytes after it")
      ) { _ = try VerificationKey(subjectPublicKeyInfo: spki + rest) }
    }
    #expect(throws: CryptoError.invalidKey("not a DER private key")) {
      _ = try KeyPair(pkcs8: SecretBytes(Array(der.dropLast()))).kind
    }
  }

  /// secp256k1 with explicit parameters (field, coefficients, generator and order), as OpenSSL
  /// writes them on request.
  @Test func aCurveThatIsSpeltOutIsRefused() throws {
    let key = hexadecimal(
      """
      308201610201003081ec06072a8648ce3d02013081e0020101302c06072a8648ce3d0101022100ffffffffff
      fffffffffffffffffffffffffffffffffffffffffffffefffffc2f3044042000000000000000000000000000
      0000000000000000000000000000000000000004200000000000000000000000000000000000000000000000
      00000000000000000704410479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798
      483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8022100ffffffffffffffffff
      fffffffffffffebaaedce6af48a03bbfd25e8cd0364141020101046d306b0201010420279099cdf79d849997
      3867f1c0245a3138a9c107075cd04fc61f1c5f5722f593a144034200047040c50d30b901f136d0f466cb2e00
      4b12ead9c68544af806035e6633dace6b7ccfe44b7e447c8cdd9aa29c0cd88cbf86ff2f630423aaafecbee78
      23508dcc92
      """)
    #expect(
      throws: CryptoError.invalidKey(
        "an elliptic-curve key with explicit curve parameters instead of a named curve")
    ) { _ = try KeyPair(pkcs8: SecretBytes(key)).kind }
  }

  /// If the point at infinity were accepted as the key of a signature, anyone could sign anything.
  @Test(arguments: Curve.allCases)
  func thePointAtInfinityVerifiesNothing(curve: Curve) {
    for point in [[], [0]] as [[UInt8]] {
      #expect(throws: CryptoError.invalidKey("not a public key on \(curve.rawValue)")) {
        _ = try SignatureVerifier(curve: curve, digest: .sha384, publicKey: point)
      }
    }
  }
}
