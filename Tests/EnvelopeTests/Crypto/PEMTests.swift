import Foundation
import Testing

@testable import Envelope
@testable import TestSupport

@Suite struct PEMTests {
  private let key: SecretText

  init() throws { key = SecretText(try ECPrivateKey.generate(on: .p256).pkcs8()) }

  /// Returns the labels and contents of all blocks.
  private func parsed(
    _ text: String, allowsTextAfter: Bool = false
  ) throws -> [(label: String, der: [UInt8])] {
    let text = SecretBytes(Array(text.utf8))
    return try PEM.blocks(of: text, allowsTextAfter: allowsTextAfter).map {
      ($0.label, try $0.der().exposed)
    }
  }

  private static func block(_ label: String, _ body: String = "AAAA") -> String {
    "-----BEGIN \(label)-----\n\(body)\n-----END \(label)-----\n"
  }

  @Test func whatIsWrittenIsRead() throws {
    for count in [1, 47, 48, 49, 96, 1200] {
      let bytes = patternBytes(count)
      let text = String(
        decoding: PEM.text(pkcs8: SecretBytes(bytes)).exposed, as: UTF8.self)
      let twice = try parsed(text + text)
      #expect(twice.map(\.label) == ["PRIVATE KEY", "PRIVATE KEY"])
      #expect(twice.map(\.der) == [bytes, bytes])
    }
  }

  @Test func itIsWhatOpenSSLWrites() throws {
    let text = String(decoding: PEM.text(pkcs8: key.bytes).exposed, as: UTF8.self)
    let lines = text.split(separator: "\n")
    #expect(lines.first == "-----BEGIN PRIVATE KEY-----")
    #expect(lines.last == "-----END PRIVATE KEY-----")
    #expect(lines.dropFirst().dropLast(2).allSatisfy { $0.count == 64 })
    #expect(text.hasSuffix("-----\n"))
  }

  @Test func textAroundTheKeysIsPassedOver() throws {
    let text = String(decoding: PEM.text(pkcs8: key.bytes).exposed, as: UTF8.self)
    let wanted = key.bytes.exposed
    for before in [
      "", "\n\n", "Bag Attributes: none\n\n", "# key of Ann\n", "# -----BEGIN nothing\n", "é\t-\n",
      "\u{FEFF}",
    ] {
      for after in ["", "\n \r\n", "# the end\n", "# the end"] {
        let all = before + text + after
        #expect(try parsed(all).map(\.der) == [wanted], "\(all.debugDescription)")
        let inDOS = all.replacingOccurrences(of: "\n", with: "\r\n")
        #expect(try parsed(inDOS).map(\.der) == [wanted], "\(inDOS.debugDescription)")
      }
    }
    // The last line does not need a line feed.
    #expect(try parsed(String(text.dropLast())).map(\.der) == [wanted])
    #expect(try parsed(text + "more\n", allowsTextAfter: true).map(\.der) == [wanted])
    #expect(throws: CryptoError.self) { try parsed(text + "more\n") }
    #expect(try parsed("more\n").isEmpty)
  }

  @Test func everyBlockIsThere() throws {
    let labels = ["EC PARAMETERS", "PRIVATE KEY", "CERTIFICATE", "X", "PRIVATE KEY"]
    let text = labels.map { Self.block($0) }.joined(separator: "text\n")
    #expect(try parsed(text).map(\.label) == labels)
    let blocks = try PEM.blocks(of: SecretBytes(Array(text.utf8)), allowsTextAfter: false)
    #expect(blocks.map(\.number) == [1, 2, 3, 4, 5])
    #expect(blocks.last?.name == "block 5 (PRIVATE KEY)")
  }

  /// Each of these is an error after a valid block, because it may be the rest of a key.
  @Test(arguments: [
    "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "-----END PRIVATE KEY-----\n", "-----BEGIN -----\n", "-----BEGIN PRIVATE KEY----\n",
    "----BEGIN PRIVATE KEY-----\n", "x -----BEGIN PRIVATE KEY-----\n",
    "\u{2014}BEGIN KEY\u{2014}\n",
    String(repeating: "A", count: 64) + "\n", "a\u{0}b\n", "a\u{1B}[2Jb\n", "a\u{7F}b\n",
  ])
  func whatLooksLikeAPartOfABlockIsRefused(rest: String) {
    for rest in [rest, rest + "text\n", rest + "# text\n"] {
      #expect(throws: CryptoError.self) {
        try parsed(Self.block("PUBLIC KEY") + rest, allowsTextAfter: true)
      }
    }
  }

  @Test(arguments: ["A*AA", "AAA", "AA AA", "=", "", "AAAA\n\nAAAA="])
  func whatIsNotBase64IsRefused(body: String) {
    #expect(throws: CryptoError.invalidKey("block 1 (PRIVATE KEY) is not base64")) {
      try parsed(Self.block("PRIVATE KEY", body))
    }
  }

  @Test(arguments: [
    "",
    block("ENCRYPTED PRIVATE KEY"),
    block("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA"),
    block("CERTIFICATE"), block("EC PARAMETERS"), block("OPENSSH PRIVATE KEY"),
  ])
  func whatIsNoKeyIsNone(text: String) throws {
    let text = SecretBytes(Array(text.utf8))
    #expect(throws: CryptoError.self) { try PEM.keys(in: text) }
    #expect(throws: CryptoError.self) { try PKey.privateKey(pem: text) }
  }

  @Test func aPairIsOneKeyAndTheOthersAreKept() throws {
    let rsa = try RSAPrivateKey.generate(bits: 2048)
    let ec = try ECPrivateKey.generate(on: .p384)
    func text(_ secret: borrowing SecretBytes) -> String {
      String(decoding: secret.exposed, as: UTF8.self)
    }
    let parts = [
      try rsa.publicKey().pem(), text(try ec.pem()), text(try rsa.pem()), try ec.publicKey().pem(),
      try ECPrivateKey.generate(on: .p256).publicKey().pem(),
    ]
    let file = try KeyringFile(parsing: Array(parts.joined().utf8))
    #expect(file.keys.map(\.algorithm) == [.rsa, .ecdh, .ecdh])
    #expect(file.keys.map(\.type) == [.private, .private, .public])
    #expect(file.holdsSecrets)
    #expect(try file.keyrings().count == 3)
    #expect(try !KeyringFile(parsing: Array(parts[0].utf8)).holdsSecrets)

    let publicParts = [parts[0], parts[3], parts[0], parts[4]]
    #expect(try Recipient.keyrings(pem: publicParts.joined()).count == 3)
  }
}
