import Testing

@testable import Envelope
@testable import TestSupport

@Suite struct ECDHTests {
  @Test(arguments: ECKeys.agreements)
  func derivesWhatNISTDerives(agreement: ECKeys.Agreement) throws {
    let peer = try ECPublicKey(
      subjectPublicKeyInfo: ECKeys.publicKey(on: agreement.curve, point: [4] + agreement.peer))
    let key = try agreement.privateKey()
    #expect(try key.derive(with: peer).exposed == agreement.sharedSecret)
    // The peer's point is the same after compression and decompression.
    let again = try ECPublicKey(compressedPoint: peer.compressedPoint)
    #expect(again == peer)
    #expect(try key.derive(with: again).exposed == agreement.sharedSecret)
  }

  @Test(arguments: Curve.allCases)
  func bothSidesDeriveTheSame(curve: Curve) throws {
    let one = try ECPrivateKey.generate(on: curve)
    let other = try ECPrivateKey.generate(on: curve)
    let secret = try one.derive(with: other.publicKey()).exposed
    #expect(secret.count == curve.compressedPointLength - 1)
    #expect(try other.derive(with: one.publicKey()).exposed == secret)
    #expect(try one.derive(with: one.publicKey()).exposed != secret)
  }

  @Test(arguments: Curve.allCases)
  func keysSurviveTheirEncodings(curve: Curve) throws {
    let key = try ECPrivateKey.generate(on: curve)
    let publicKey = try key.publicKey()
    #expect(publicKey.curve == curve)
    #expect(publicKey.compressedPoint.count == curve.compressedPointLength)
    #expect(try ECPrivateKey(pkcs8: try key.pkcs8()).publicKey() == publicKey)
    #expect(try ECPrivateKey(pem: try key.pem()).publicKey() == publicKey)
    #expect(try ECPublicKey(pem: Array(publicKey.pem().utf8)) == publicKey)
    #expect(try ECPublicKey(subjectPublicKeyInfo: publicKey.subjectPublicKeyInfo()) == publicKey)
  }

  /// The fingerprint identifies the key and does not depend on the form of its point.
  @Test(arguments: ECKeys.agreements)
  func fingerprintIsOfTheUncompressedPoint(agreement: ECKeys.Agreement) throws {
    let point = [4] + agreement.peer
    let uncompressed = ECKeys.publicKey(on: agreement.curve, point: point)
    let key = try ECPublicKey(subjectPublicKeyInfo: uncompressed)
    let fingerprint = Hexadecimal.encode(try Digest.sha256.hash(uncompressed))
    let compressed = try ECPublicKey(
      subjectPublicKeyInfo: ECKeys.publicKey(
        on: agreement.curve, point: key.compressedPoint))
    for key in [key, compressed, try ECPublicKey(compressedPoint: key.compressedPoint)] {
      #expect(try key.fingerprint() == fingerprint)
      #expect(try key.subjectPublicKeyInfo() == uncompressed)
    }
  }

  /// True if `body` throws `invalidKey`.
  private func refuses(_ body: () throws -> Void) -> Bool {
    do { try body() } catch CryptoError.invalidKey { return true } catch {}
    return false
  }

  @Test(arguments: ECKeys.agreements)
  func pointsOffTheCurveAreRefused(agreement: ECKeys.Agreement) throws {
    let curve = agreement.curve
    let length = curve.compressedPointLength
    var off = [4] + agreement.peer
    off[off.count - 1] ^= 1
    for point in [off, [0], [4] + [UInt8](repeating: 0, count: 2 * (length - 1)), []] {
      #expect(
        refuses {
          _ = try ECPublicKey(
            subjectPublicKeyInfo: ECKeys.publicKey(on: curve, point: point))
        })
    }
    // Refused: a coordinate that is not in the field, and other forms of a point. Below: values of
    // x that no point of the curve has.
    let x = agreement.peer.prefix(length - 1)
    for point in [[2] + [UInt8](repeating: 0xff, count: length - 1), [4] + x, [5] + x, [0] + x] {
      #expect(refuses { _ = try ECPublicKey(compressedPoint: Array(point)) })
    }
    let valid = (0..<64).filter { value in
      let point = [2] + [UInt8](repeating: 0, count: length - 2) + [UInt8(value)]
      return !refuses { _ = try ECPublicKey(compressedPoint: point) }
    }
    // About half of all numbers are the x of two points.
    #expect((16...48).contains(valid.count))
  }

  @Test(arguments: [0, 1, 32, 34, 48, 50, 65, 66, 68, 133])
  func pointsOfAnotherLengthAreRefused(count: Int) {
    #expect(
      throws: CryptoError.invalidKey(
        "a compressed point has 33, 49 or 67 bytes, not \(count)")
    ) {
      try ECPublicKey(compressedPoint: [UInt8](repeating: 2, count: count))
    }
  }

  @Test func keysOfOtherCurvesAgreeOnNothing() throws {
    let key = try ECPrivateKey.generate(on: .p256)
    let peer = try ECPrivateKey.generate(on: .p384).publicKey()
    #expect(throws: CryptoError.invalidKey("a key on P-384, not on P-256")) {
      _ = try key.derive(with: peer).count
    }
  }

  @Test(arguments: ECKeys.agreements)
  func aPublicHalfThatIsNotTheKeysOwnIsRefused(agreement: ECKeys.Agreement) throws {
    let own = try agreement.privateKey().publicKey().compressedPoint
    let good = ECKeys.privateKey(on: agreement.curve, scalar: agreement.scalar, point: own)
    #expect(try ECPrivateKey(pkcs8: SecretBytes(good)).publicKey().compressedPoint == own)
    let bad = ECKeys.privateKey(
      on: agreement.curve, scalar: agreement.scalar, point: [4] + agreement.peer)
    #expect(
      throws: CryptoError.invalidKey("a private key with the public key of another")
    ) {
      _ = try ECPrivateKey(pkcs8: SecretBytes(bad)).curve
    }
  }

  @Test func keysOfAnotherKindAreRefused() throws {
    let rsa = try RSAPrivateKey.generate(bits: 2048)
    #expect(throws: CryptoError.invalidKey("a key for RSA, not an elliptic-curve key")) {
      _ = try ECPrivateKey(pkcs8: try rsa.pkcs8()).curve
    }
    let ec = try ECPrivateKey.generate(on: .p256)
    #expect(throws: CryptoError.invalidKey("a key for EC, not an RSA key")) {
      _ = try RSAPrivateKey(pkcs8: try ec.pkcs8()).bits
    }
  }
}
