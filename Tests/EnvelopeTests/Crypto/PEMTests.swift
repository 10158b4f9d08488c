import Foundation
import Testing

@testable import Envelope

@Suite struct PEMTests {
  private let key: SecretText

  init() throws { key = SecretText(try ECPrivateKey.generate(on: .p256).pkcs8()) }

  private func parsed(_ text: String) -> [UInt8]? {
    PEM.privateKey(in: SecretBytes(Array(text.utf8)))?.exposed
  }

  @Test func whatIsWrittenIsRead() throws {
    for count in [1, 47, 48, 49, 96, 1200] {
      let bytes = patternBytes(count)
      let text = PEM.text(pkcs8: SecretBytes(bytes))
      #expect(PEM.privateKey(in: text)?.exposed == bytes)
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

  @Test func textAroundTheKeyIsPassedOver() {
    let text = String(decoding: PEM.text(pkcs8: key.bytes).exposed, as: UTF8.self)
    let wanted = key.bytes.exposed
    #expect(parsed("Bag Attributes: none\n\n" + text + "more\n") == wanted)
    #expect(parsed(text.replacingOccurrences(of: "\n", with: "\r\n")) == wanted)
    #expect(
      parsed("-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n" + text) == wanted)
    // The last line need not end.
    #expect(parsed(String(text.dropLast())) == wanted)
  }

  @Test(arguments: [
    "", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n",
    "-----BEGIN PRIVATE KEY-----\nA*AA\n-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    """
    -----BEGIN RSA PRIVATE KEY-----
    Proc-Type: 4,ENCRYPTED
    DEK-Info: AES-128-CBC,00

    AAAA
    -----END RSA PRIVATE KEY-----
    """,
  ])
  func whatIsNoKeyIsNone(text: String) { #expect(parsed(text) == nil) }
}
