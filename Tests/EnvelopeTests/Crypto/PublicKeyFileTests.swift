import Foundation
import Testing

@testable import Envelope
@testable import TestSupport

private typealias Samples = PublicKeySamples

/// The files that name recipients.
@Suite struct PublicKeyFileTests {
  private static func keys(_ bytes: [UInt8]) throws -> [FoundPublicKey] {
    try PublicKeyFile.keys(in: SecretBytes(bytes))
  }

  private static func keys(_ text: String) throws -> [FoundPublicKey] { try keys(Array(text.utf8)) }

  private static func pem(_ label: String, _ base64: String) -> String {
    "-----BEGIN \(label)-----\n\(base64)\n-----END \(label)-----\n"
  }

  private static func der(_ base64: String) -> [UInt8] { Base64.decode(base64.utf8)! }

  private static func fingerprint(_ info: String) throws -> String {
    Hexadecimal.encode(try Digest.sha256.hash(der(info)))
  }

  /// Returns the reason for which the file is refused; nil if it is not.
  private static func reason(_ bytes: [UInt8]) -> String? {
    do {
      _ = try keys(bytes)
      return nil
    } catch CryptoError.invalidKey(let reason) {
      return reason
    } catch CryptoError.privateKey(let reason) {
      return "private: " + reason
    } catch {
      return "\(error)"
    }
  }

  private static func reason(_ text: String) -> String? { reason(Array(text.utf8)) }

  // MARK: What is a key

  @Test(arguments: [
    (Samples.rsaInfo, "ssh-rsa \(Samples.rsaSSH)"),
    (Samples.p256Info, "ecdsa-sha2-nistp256 \(Samples.p256SSH)"),
    (Samples.p384Info, "ecdsa-sha2-nistp384 \(Samples.p384SSH)"),
    (Samples.p521Info, "ecdsa-sha2-nistp521 \(Samples.p521SSH)"),
  ])
  func aKeyIsTheSameInEveryForm(info: String, ssh: String) throws {
    let wanted = try Self.fingerprint(info)
    let files: [[UInt8]] =
      [
        Self.pem("PUBLIC KEY", info), ssh, ssh + "\n", ssh + " ann@host END of the key\r\n",
        "no-pty,command=\"echo \\\"ssh-rsa AAAA\\\", a\" \(ssh) ann\n", "\u{FEFF}# Ann\n\n\(ssh)\n",
        "restrict\t\(ssh)\t\n", "from=\"*.example.com,!a\",no-pty \(ssh)",
      ].map { Array($0.utf8) } + [Self.der(info)]
    for file in files {
      let found = try Self.keys(file)
      #expect(found.count == 1)
      #expect(try found[0].key.fingerprint() == wanted, "\(String(decoding: file, as: UTF8.self))")
      #expect(found[0].certificate == nil)
    }
    // Once in all forms together.
    let all = "text\n" + Self.pem("PUBLIC KEY", info) + "# or\n" + ssh + "\n" + ssh + " again\n"
    #expect(try Self.keys(all).map(\.place) == ["block 1 (PUBLIC KEY)"])
  }

  @Test func theOldFormOfRSAIsRead() throws {
    let wanted = try Self.fingerprint(Samples.rsaInfo)
    #expect(try Self.keys(Self.der(Samples.rsaPKCS1))[0].key.fingerprint() == wanted)
    let pem = Self.pem("RSA PUBLIC KEY", Samples.rsaPKCS1)
    #expect(try Self.keys(pem)[0].key.fingerprint() == wanted)
  }

  @Test func severalKeysAreInTheirPlaces() throws {
    let text =
      "Bag Attributes\n" + Self.pem("CERTIFICATE", Samples.certificate)
      + "ecdsa-sha2-nistp384 \(Samples.p384SSH) Eve\n\n" + Self.pem("EC PARAMETERS", "AAAA")
      + "Ann, of the house\n" + Self.pem("PUBLIC KEY", Samples.rsaInfo) + "# the end"
    #expect(
      try Self.keys(text).map(\.place)
        == ["block 1 (CERTIFICATE)", "line 5 (ecdsa-sha2-nistp384)", "block 3 (PUBLIC KEY)"])
  }

  // MARK: Certificates

  @Test(arguments: [
    (pem("CERTIFICATE", Samples.certificate), 2020, 9999),
    (pem("X509 CERTIFICATE", Samples.expired), 2020, 2021),
    (pem("TRUSTED CERTIFICATE", Samples.trusted), 2020, 9999),
    (pem("CERTIFICATE", Samples.early), 9800, 9999),
  ])
  func aCertificateIsTheKeyOfItsHolder(text: String, from: Int, to: Int) throws {
    let found = try Self.keys(text)
    #expect(try found.map { try $0.key.fingerprint() } == [Self.fingerprint(Samples.p256Info)])
    let validity = try #require(found[0].certificate).validity
    func year(_ seconds: Int?) throws -> Int? {
      let date = Date(timeIntervalSince1970: TimeInterval(try #require(seconds)))
      return APIDate.text(date).flatMap { Int($0.prefix(4)) }
    }
    #expect(try year(validity.begin) == from)
    #expect(try year(validity.end) == to)
  }

  @Test func aCertificateInDERIsRead() throws {
    let found = try Self.keys(Self.der(Samples.certificate))
    #expect(try found[0].key.fingerprint() == Self.fingerprint(Samples.p256Info))
    #expect(found[0].place == nil && found[0].certificate != nil)
  }

  @Test func theIssuerIsNoRecipientByAccident() throws {
    let (ann, authority) = (
      Self.pem("CERTIFICATE", Samples.certificate), Self.pem("CERTIFICATE", Samples.authority)
    )
    #expect(
      Self.reason(ann + authority)?.hasPrefix(
        "block 2 (CERTIFICATE) is the certificate of the issuer of block 1 (CERTIFICATE)") == true)
    #expect(Self.reason(authority + ann)?.hasPrefix("block 1 (CERTIFICATE) is the") == true)
    // Alone, it is a certificate like any other: most that people make themselves are like this.
    #expect(try Self.keys(authority + authority).count == 1)
    #expect(try Self.keys(ann + Self.pem("CERTIFICATE", Samples.expired)).count == 1)
  }

  // MARK: What is refused

  @Test(arguments: [
    ("ssh-ed25519 \(Samples.ed25519SSH) ann", "line 1 (ssh-ed25519): a key that signs but cannot"),
    ("ssh-dss \(Samples.dsaSSH)", "line 1 (ssh-dss): a key that signs but cannot decrypt"),
    ("sk-ssh-ed25519@openssh.com AAAA", "line 1 (sk-ssh-ed25519@openssh.com): a key in a security"),
    ("sk-ecdsa-sha2-nistp256@openssh.com AAAA", "a key in a security token"),
    (
      "ssh-ed25519-cert-v01@openssh.com \(Samples.ed25519CertificateSSH)", "an OpenSSH certificate"
    ),
    ("ssh-new AAAA", "line 1 (ssh-new): a key of an unknown type"),
    ("ssh-rsa \(Samples.rsa1024SSH)", "RSA keys have 2048 to 16384 bits, this one has 1024"),
    ("ssh-rsa \(Samples.p256SSH)", "the base64 is not a key of this type"),
    ("ecdsa-sha2-nistp384 \(Samples.p256SSH)", "the base64 is not a key of this type"),
    ("cert-authority ssh-rsa \(Samples.rsaSSH)", "a certificate authority"),
    ("no-pty,Cert-Authority ssh-rsa \(Samples.rsaSSH)", "a certificate authority"),
    ("github.com ssh-rsa \(Samples.rsaSSH)", "not a public key or certificate"),
    ("@revoked host ssh-rsa \(Samples.rsaSSH)", "not a public key or certificate"),
    ("command=\"a ssh-rsa \(Samples.rsaSSH)", "not a public key or certificate"),
    ("\(Samples.rsaSSH)", "line 1 looks like a part of a PEM block"),
    ("ssh-rsa \(Samples.rsaSSH.prefix(200))", "the key is cut off"),
    ("ssh-rsa \(Samples.rsaSSH.prefix(201))", "not base64, or cut off"),
    ("ssh-rsa \(Samples.rsaSSH)\nwhat?\n", "line 2 is neither a public key nor a comment"),
    ("what?\nssh-rsa \(Samples.rsaSSH)\n", "line 1 is neither a public key nor a comment"),
    (pem("PUBLIC KEY", Samples.p256Info) + "what?", "line 4 is neither a public key nor a comment"),
    (pem("CERTIFICATE", Samples.p256Info), "block 1 (CERTIFICATE): not a DER certificate"),
    (pem("CERTIFICATE", Samples.trusted), "block 1 (CERTIFICATE): a certificate with more bytes"),
    (pem("CERTIFICATE", Samples.ed25519Certificate), "block 1 (CERTIFICATE): a key for ED25519"),
    (pem("CERTIFICATE REQUEST", "AAAA"), "is not a public key or certificate; 'openssl req"),
    (pem("PKCS7", "AAAA"), "block 1 (PKCS7) is not a public key or certificate; 'openssl pkcs7"),
    ("---- BEGIN SSH2 PUBLIC KEY ----", "line 1 looks like a part of a PEM block"),
    (pem("OPENSSH PRIVATE KEY", "AAAA"), "private: block 1 (OPENSSH PRIVATE KEY) is a private key"),
    (pem("ENCRYPTED PRIVATE KEY", "AAAA"), "private: block 1 (ENCRYPTED PRIVATE KEY) is a private"),
    ("PuTTY-User-Key-File-3: ssh-rsa\n", "private: line 1 begins a private key of PuTTY"),
    ("", "not a public key or certificate"), ("0", "not a public key or certificate"),
  ])
  func whatIsNotAPublicKeyIsNamed(text: String, wanted: String) {
    let reason = Self.reason(text)
    #expect(reason?.contains(wanted) == true, "\(reason ?? "accepted")")
  }

  @Test(arguments: [
    (Samples.p256PKCS8, "private: this is a private key"),
    (Samples.p256SEC1, "private: this is a private key"),
    (Samples.p256Encrypted, "private: this is a private key"),
    (Samples.pkcs12, "private: this is a PKCS #12 file"),
    (Samples.ed25519Certificate, "a key for ED25519, neither RSA nor elliptic-curve"),
  ])
  func whatIsNotAPublicKeyInDERIsNamed(base64: String, wanted: String) {
    let reason = Self.reason(Self.der(base64))
    #expect(reason?.contains(wanted) == true, "\(reason ?? "accepted")")
  }

  /// A part of a key is no key, and neither are a key and more.
  @Test(arguments: [
    Samples.p256Info, Samples.rsaPKCS1, Samples.certificate, Samples.p256PKCS8,
    Samples.p256Encrypted,
  ])
  func everyPartOfDERIsRefused(base64: String) {
    let der = Self.der(base64)
    for count in 0..<der.count {
      #expect(Self.reason(Array(der.prefix(count))) != nil, "\(count) bytes")
    }
    #expect(Self.reason(der + [0]) != nil)
  }

  // MARK: The SSH format

  private static func field(_ bytes: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
  }

  private static func line(_ type: String, _ blob: [UInt8]) -> String {
    "\(type) \(String(decoding: Base64.encode(blob), as: UTF8.self))"
  }

  @Test(arguments: [
    ("ssh-rsa", Samples.rsaSSH), ("ecdsa-sha2-nistp256", Samples.p256SSH),
    ("ecdsa-sha2-nistp521", Samples.p521SSH),
  ])
  func everyPartOfASSHKeyIsRefused(type: String, base64: String) {
    let blob = Self.der(base64)
    for count in 0..<blob.count {
      #expect(Self.reason(Self.line(type, Array(blob.prefix(count)))) != nil, "\(count) bytes")
    }
    #expect(
      Self.reason(Self.line(type, blob + [0]))
        == "line 1 (\(type)): there are more bytes after the key")
  }

  /// Lengths that a reader must not believe.
  @Test(
    arguments: [[0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF], [0, 0, 1, 0x80]] as [[UInt8]])
  func hostileLengthsAreRefused(length: [UInt8]) {
    let type = Self.field(Array("ssh-rsa".utf8))
    let exponent = Self.field([1, 0, 1])
    for blob in [type + length, type + exponent + length, type + length + [1, 0, 1]] {
      #expect(Self.reason(Self.line("ssh-rsa", blob))?.contains("cut off") == true)
    }
    #expect(Self.reason(Self.line("ssh-rsa", length)) != nil)
  }

  /// A negative or empty number, an even or tiny exponent, a modulus that is too large.
  @Test(
    arguments: [
      ([1, 0, 1], [0x80] + [UInt8](repeating: 1, count: 255)), ([0x81], [0x7F]), ([], [0x7F]),
      ([1, 0, 1], []), ([0], [0, 0x7F]), ([1], [0] + [UInt8](repeating: 0xFF, count: 256)),
      ([2], [0] + [UInt8](repeating: 0xFF, count: 256)),
      ([3], [0] + [UInt8](repeating: 0xFF, count: 2049)), ([1, 0, 1], [0x7F]),
      ([0] + [UInt8](repeating: 0xFF, count: 300), [0] + [UInt8](repeating: 0xFF, count: 256)),
    ] as [([UInt8], [UInt8])])
  func numbersThatAreNoRSAKeyAreRefused(exponent: [UInt8], modulus: [UInt8]) {
    let blob = Self.field(Array("ssh-rsa".utf8)) + Self.field(exponent) + Self.field(modulus)
    #expect(Self.reason(Self.line("ssh-rsa", blob)) != nil)
  }

  @Test func leadingZerosDoNotCount() throws {
    var reader = SSHWireReader(Self.der(Samples.rsaSSH))
    _ = reader.name()
    let exponent = Array(reader.positiveNumber()!), modulus = Array(reader.positiveNumber()!)
    let blob =
      Self.field(Array("ssh-rsa".utf8)) + Self.field([0, 0] + exponent)
      + Self.field([0, 0, 0] + modulus)
    let key = try Self.keys(Self.line("ssh-rsa", blob))[0].key
    #expect(try key.fingerprint() == Self.fingerprint(Samples.rsaInfo))
  }

  @Test(arguments: [[], [0], [4], [4, 1, 2], [UInt8](repeating: 4, count: 65)] as [[UInt8]])
  func whatIsNotAPointIsRefused(point: [UInt8]) {
    let blob =
      Self.field(Array("ecdsa-sha2-nistp256".utf8)) + Self.field(Array("nistp256".utf8))
      + Self.field(point)
    #expect(Self.reason(Self.line("ecdsa-sha2-nistp256", blob)) != nil)
    let other =
      Self.field(Array("ecdsa-sha2-nistp256".utf8)) + Self.field(Array("nistp384".utf8))
      + Self.field(point)
    #expect(
      Self.reason(Self.line("ecdsa-sha2-nistp256", other))
        == "line 1 (ecdsa-sha2-nistp256): a key on another curve")
  }

  // MARK: Lists

  @Test func aListHasKeysAndNames() throws {
    let text =
      "# the team\nann.pem\n\n  keys of Bob/bob.crt \r\necdsa-sha2-nistp256 \(Samples.p256SSH) Eve\n"
      + Self.pem("PUBLIC KEY", Samples.rsaInfo) + "ssh-keys.pub\n"
    let entries = try Recipient.list(parsing: SecretBytes(Array(text.utf8))).map { entry in
      switch entry {
      case .recipient(let recipient): recipient.place ?? ""
      case .file(let name, let line): "\(line): \(String(decoding: name, as: UTF8.self))"
      }
    }
    #expect(
      entries == [
        "2: ann.pem", "4: keys of Bob/bob.crt", "line 5 (ecdsa-sha2-nistp256)",
        "block 1 (PUBLIC KEY)", "9: ssh-keys.pub",
      ])
  }
}
