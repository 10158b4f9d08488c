import Foundation
import Testing

@testable import Envelope
@testable import TestSupport

/// Valid and invalid vectors from vectors.py, which takes the answers from other implementations of
/// the algorithms.
@Suite struct KnownVectorTests {
  /// The fewest vectors of each group.
  static let groups = [
    ("aes-gcm", 100), ("hkdf", 45), ("kbkdf", 18), ("hmac", 45), ("aes-kwp", 70), ("rsa-oaep", 65),
    ("pss", 40), ("pkcs1", 40), ("ecdsa", 180), ("ecdh", 130), ("ed25519", 40),
  ]

  @Test(arguments: groups)
  func wrappersAgree(group: String, count: Int) throws {
    let vectors = try KnownVectors.read().vectors(of: group)
    #expect(vectors.count >= count)
    #expect(vectors.contains { $0.expected == .valid })
    // KBKDF has no invalid inputs.
    #expect(group == "kbkdf" || vectors.contains { $0.expected != .valid })
    let check = try #require(Self.checks[group])
    for vector in vectors {
      let found = outcome { try check(vector) }
      #expect(found == vector.expected, "\(group): \(vector.comment)")
    }
  }

  private static let checks: [String: @Sendable (KnownVector) throws -> Bool] = [
    "aes-gcm": aesGCM, "hkdf": hkdf, "kbkdf": kbkdf, "hmac": hmac, "aes-kwp": aesKWP,
    "rsa-oaep": rsaOAEP, "ecdh": ecdh,
    "pss": { try verifies($0, .pss($0.digest())) },
    "pkcs1": { try verifies($0, .pkcs1($0.digest())) },
    "ecdsa": { try verifies($0, .ecdsa($0.digest())) },
    "ed25519": { try verifies($0, .ed25519) },
  ]

  private func outcome(_ check: () throws -> Bool) -> KnownVector.Outcome {
    do {
      return try check() ? .valid : .invalid
    } catch CryptoError.authenticationFailed {
      return .authenticationFailed
    } catch CryptoError.invalidKey {
      return .invalidKey
    } catch CryptoError.libcrypto {
      return .libcrypto
    } catch {
      return .unforeseen("\(error)")
    }
  }

  // Each function returns true if our wrapper agrees with the vector in every direction that the
  // algorithm has.

  @Sendable private static func aesGCM(_ vector: KnownVector) throws -> Bool {
    let nonce = Nonce(bytes: try vector.bytes("nonce"))
    let aad = try vector.bytes("aad")
    let plaintext = try vector.bytes("plaintext")
    let sealed = try vector.bytes("sealed")
    let key = SecretBytes(try vector.bytes("key"))
    let opened = try AESGCM.open(sealed, under: key, nonce: nonce, authenticating: aad).exposed
    let resealed = try AESGCM.seal(
      plaintext.span.bytes, under: key, nonce: nonce, authenticating: aad)
    return opened == plaintext && resealed == sealed
  }

  @Sendable private static func hkdf(_ vector: KnownVector) throws -> Bool {
    let (salt, info) = (try vector.bytes("salt"), try vector.bytes("info"))
    let (digest, size) = (try vector.digest(), try vector.size())
    let input = SecretBytes(try vector.bytes("ikm"))
    let output = try HKDF.derive(digest, from: input, salt: salt, info: info, count: size)
    return try vector.hasOutput(output.exposed)
  }

  @Sendable private static func kbkdf(_ vector: KnownVector) throws -> Bool {
    let (label, context) = (try vector.bytes("label"), try vector.bytes("context"))
    let (digest, size) = (try vector.digest(), try vector.size())
    let input = SecretBytes(try vector.bytes("ikm"))
    let output = try KBKDF.derive(digest, from: input, label: label, context: context, count: size)
    return try vector.hasOutput(output.exposed)
  }

  @Sendable private static func hmac(_ vector: KnownVector) throws -> Bool {
    let (code, message) = (try vector.bytes("code"), try vector.bytes("message"))
    let digest = try vector.digest()
    let key = SecretBytes(try vector.bytes("key"))
    return try HMAC.verify(code, of: message.span.bytes, with: digest, under: key)
  }

  @Sendable private static func aesKWP(_ vector: KnownVector) throws -> Bool {
    let (wrapped, plaintext) = (try vector.bytes("wrapped"), try vector.bytes("plaintext"))
    let key = SecretBytes(try vector.bytes("key"))
    return try AESKeyWrap.unwrap(wrapped, under: key).exposed == plaintext
  }

  /// A vector without a ciphertext only tests encryption with the key.
  @Sendable private static func rsaOAEP(_ vector: KnownVector) throws -> Bool {
    let padding = RSAPadding.oaep(try vector.digest())
    let plaintext = try vector.bytes("plaintext")
    let ciphertext = vector.has("ciphertext") ? try vector.bytes("ciphertext") : nil
    let key = try RSAPrivateKey(pkcs8: SecretBytes(try vector.privateKey()))
    if let ciphertext {
      let decrypted = try key.decrypt(ciphertext, padding: padding).exposed
      if decrypted != plaintext { return false }
    }
    let made = try key.publicKey().encrypt(SecretBytes(plaintext), padding: padding)
    return try key.decrypt(made, padding: padding).exposed == plaintext
  }

  @Sendable private static func ecdh(_ vector: KnownVector) throws -> Bool {
    let peer =
      try vector.has("point")
      ? ECPublicKey(compressedPoint: vector.bytes("point"))
      : ECPublicKey(subjectPublicKeyInfo: vector.bytes("public"))
    let shared = try vector.bytes("shared")
    let encoded = try vector.has("private") ? vector.bytes("private") : vector.privateKey()
    let key = try ECPrivateKey(pkcs8: SecretBytes(encoded))
    return try key.derive(with: peer).exposed == shared
  }

  @Sendable private static func verifies(
    _ vector: KnownVector, _ scheme: SignatureScheme
  ) throws -> Bool {
    let (message, signature) = (try vector.bytes("message"), try vector.bytes("signature"))
    let key = try VerificationKey(subjectPublicKeyInfo: vector.publicKey())
    let verifies = try key.verifies(signature, of: message, isDigest: false, scheme: scheme)
    if let digest = scheme.digest {
      let hashed = try digest.hash(message)
      let agrees = try key.verifies(signature, of: hashed, isDigest: true, scheme: scheme)
      #expect(agrees == verifies, "\(vector.comment), as a digest")
    }
    guard verifies else { return false }
    // A signature that our own key makes of the message verifies too.
    let own = try SigningKey(pkcs8: SecretBytes(try vector.privateKey()))
    let made = try own.sign(message, isDigest: false, scheme: scheme)
    return try key.verifies(made, of: message, isDigest: false, scheme: scheme)
  }
}

/// vectors.json: keys by name, and vectors in groups.
private struct KnownVectors: Decodable {
  struct Key: Decodable {
    /// PKCS #8 and SubjectPublicKeyInfo, in base64.
    let `private`: String
    let `public`: String
  }
  struct Section: Decodable {
    let comment: String
    /// Fields that apply to every vector without a field of that name.
    let shared: [String: String]
    let tests: [[String: String]]
  }
  let keys: [String: Key]
  let groups: [String: [Section]]

  static func read() throws -> KnownVectors {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("vectors.json")
    return try JSONDecoder().decode(KnownVectors.self, from: Data(contentsOf: file))
  }

  func vectors(of group: String) throws -> [KnownVector] {
    try #require(groups[group]).flatMap { section in
      try section.tests.map { test in
        let fields = section.shared.merging(test) { _, own in own }
        return KnownVector(
          comment: "\(section.comment): \(test["comment"] ?? "")",
          expected: try KnownVector.Outcome(fields), fields: fields,
          key: fields["key"].flatMap { keys[$0] }.map { ($0.private, $0.public) })
      }
    }
  }
}

/// One vector: fields by name, bytes in base64.
private struct KnownVector: Sendable {
  /// The outcome of a wrapper.
  enum Outcome: Equatable {
    case valid
    /// The wrapper's answer differs from the vector's.
    case invalid
    case authenticationFailed, invalidKey, libcrypto
    case unforeseen(String)

    init(_ fields: [String: String]) throws {
      switch (fields["result"], fields["error"]) {
      case ("valid", _): self = .valid
      case ("invalid", nil): self = .invalid
      case ("invalid", "authenticationFailed"): self = .authenticationFailed
      case ("invalid", "invalidKey"): self = .invalidKey
      case ("invalid", "libcrypto"): self = .libcrypto
      default: throw CocoaError(.coderInvalidValue)
      }
    }
  }

  let comment: String
  let expected: Outcome
  let fields: [String: String]
  let key: (private: String, public: String)?

  func has(_ name: String) -> Bool { fields[name] != nil }

  func bytes(_ name: String) throws -> [UInt8] { try Self.decode(fields[name]) }

  func privateKey() throws -> [UInt8] { try Self.decode(key?.private) }

  func publicKey() throws -> [UInt8] { try Self.decode(key?.public) }

  func digest() throws -> Digest {
    let name = try #require(fields["digest"])
    return try #require(Digest(rawValue: name))
  }

  /// The number of bytes to derive.
  func size() throws -> Int {
    let text = try #require(fields["size"])
    return try #require(Int(text))
  }

  /// True if `output` is the expected result. The vector has the result itself or its hash.
  func hasOutput(_ output: [UInt8]) throws -> Bool {
    guard try output.count == size() else { return false }
    if has("okm") { return try output == bytes("okm") }
    return try Digest.sha256.hash(output) == bytes("okmSHA256")
  }

  private static func decode(_ text: String?) throws -> [UInt8] {
    let text = try #require(text)
    return Array(try #require(Data(base64Encoded: text)))
  }
}
