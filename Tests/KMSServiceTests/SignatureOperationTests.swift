import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSService
@testable import TestSupport

/// Sign, GenerateMac, DeriveSharedSecret and related operations.
@Suite final class SignatureOperationTests: KeystoreSuite {
  static let signing: [(KeySpec, SigningAlgorithm)] = KeySpec.supported.flatMap { spec in
    (spec.signingAlgorithms(for: .signVerify) ?? []).map { (spec, $0) }
  }

  @Test func everyAlgorithmOfTheAPIHasAKeyOrAReason() {
    let done = Set(Self.signing.map(\.1))
    #expect(
      Set(SigningAlgorithm.allCases).subtracting(done)
        == [.ed25519PHSHA512, .sm2DSA, .mlDSASHAKE256])
  }

  @Test(arguments: signing.filter { $0.0 != .rsa3072 && $0.0 != .rsa4096 })
  func signaturesVerify(spec: KeySpec, algorithm: SigningAlgorithm) throws {
    let key = try service.createKey(spec: spec, usage: .signVerify)
    let message = Blob(patternBytes(4096))
    let signature = try service.perform(
      SignRequest(keyID: key.keyID, message: message, signingAlgorithm: algorithm)
    ).signature
    let verify = VerifyRequest(
      keyID: key.keyID, message: message, signature: signature, signingAlgorithm: algorithm)
    #expect(try service.perform(verify).signatureValid)
    for change in [
      { (request: inout VerifyRequest) in request.message.bytes[0] ^= 1 },
      { $0.signature.bytes[$0.signature.bytes.count - 1] ^= 1 },
      { $0.signature.bytes.removeLast() },
      { $0.signature = Blob([1]) },
    ] {
      var wrong = verify
      change(&wrong)
      #expect(throws: KeyServiceError.invalidSignature) { try service.perform(wrong) }
    }
    guard let digest = algorithm.scheme?.digest else {
      #expect(
        name {
          try service.perform(
            SignRequest(
              keyID: key.keyID, message: message, messageType: .digest,
              signingAlgorithm: algorithm))
        } == "ValidationException")
      return
    }
    // A signature of a message also verifies with the message's digest.
    var ofDigest = verify
    ofDigest.message = Blob(try digest.hash(message.bytes))
    ofDigest.messageType = .digest
    #expect(try service.perform(ofDigest).signatureValid)
    ofDigest.message.bytes.removeLast()
    #expect(name { try service.perform(ofDigest) } == "ValidationException")
  }

  @Test(arguments: [SigningAlgorithm.ed25519PHSHA512, .mlDSASHAKE256, .sm2DSA])
  func whatLibcryptoCannotDoSaysSo(algorithm: SigningAlgorithm) throws {
    let key = try service.createKey(spec: .eccNISTEdwards25519)
    #expect(
      name {
        try service.perform(
          SignRequest(keyID: key.keyID, message: Blob([1]), signingAlgorithm: algorithm))
      } == "UnsupportedOperationException")
  }

  @Test(arguments: [0, 1, 4096, 4097])
  func messagesAreBounded(count: Int) throws {
    let key = try service.createKey(spec: .hmac256)
    func mac() throws -> Blob {
      try service.perform(
        GenerateMacRequest(
          keyID: key.keyID, message: Blob(patternBytes(count)), macAlgorithm: .hmacSHA256)
      ).mac
    }
    if (1...4096).contains(count) {
      #expect(try mac().bytes.count == 32)
    } else {
      #expect(name { _ = try mac() } == "ValidationException")
    }
  }

  @Test(arguments: [
    (KeySpec.hmac224, MACAlgorithm.hmacSHA224, 28), (.hmac256, .hmacSHA256, 32),
    (.hmac384, .hmacSHA384, 48), (.hmac512, .hmacSHA512, 64),
  ])
  func macsVerify(spec: KeySpec, algorithm: MACAlgorithm, length: Int) throws {
    let key = try service.createKey(spec: spec)
    let mac = try service.perform(
      GenerateMacRequest(keyID: key.keyID, message: Blob([1, 2]), macAlgorithm: algorithm)
    ).mac
    #expect(mac.bytes.count == length)
    let verify = VerifyMacRequest(
      keyID: key.keyID, message: Blob([1, 2]), macAlgorithm: algorithm, mac: mac)
    #expect(try service.perform(verify).macValid)
    var wrong = verify
    wrong.message = Blob([1, 3])
    #expect(throws: KeyServiceError.invalidMAC) { try service.perform(wrong) }
    wrong = verify
    wrong.mac.bytes.removeLast()
    #expect(throws: KeyServiceError.invalidMAC) { try service.perform(wrong) }
    wrong = verify
    wrong.macAlgorithm = algorithm == .hmacSHA256 ? .hmacSHA512 : .hmacSHA256
    #expect(name { try service.perform(wrong) } == "InvalidKeyUsageException")
  }

  @Test(arguments: [KeySpec.eccNISTP256, .eccNISTP384, .eccNISTP521])
  func bothPartiesComeToTheSameSecret(spec: KeySpec) throws {
    let key = try service.createKey(spec: spec, usage: .keyAgreement)
    guard case .keyPair(.ec(let curve))? = spec.material else { return }
    let peer = try ECPrivateKey.generate(on: curve)
    let own = try ECPublicKey(
      subjectPublicKeyInfo: try service.publicKey(key.keyID).publicKey.bytes)
    let response = try service.perform(
      DeriveSharedSecretRequest(
        keyID: key.keyID, publicKey: Blob(try peer.publicKey().subjectPublicKeyInfo())))
    #expect(response.sharedSecret.exposed == (try peer.derive(with: own).exposed))
    let stranger = try ECPrivateKey.generate(on: curve == .p256 ? .p384 : .p256).publicKey()
    for wrong in [try stranger.subjectPublicKeyInfo(), [1, 2, 3]] {
      #expect(
        name {
          try service.perform(
            DeriveSharedSecretRequest(keyID: key.keyID, publicKey: Blob(wrong)))
        } == "ValidationException")
    }
  }
}
