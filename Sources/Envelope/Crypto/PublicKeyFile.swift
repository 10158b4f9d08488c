/// A public key in a file.
struct FoundPublicKey: Sendable {
  let key: PublicKey
  /// The place in the file: "block 2 (CERTIFICATE)", "line 3 (ssh-rsa)". Nil in a file with a
  /// single key in DER.
  let place: String?
  /// The certificate that contains the key.
  let certificate: Certificate?

  /// Reads and checks a key. An error names its place.
  init(
    at place: String?, certificate: Certificate? = nil, _ read: () throws(CryptoError) -> PKey
  ) throws(CryptoError) {
    self.place = place
    self.certificate = certificate
    do {
      key = try PublicKey(checking: try read())
    } catch .invalidKey(let reason) {
      throw .invalidKey((place.map { "\($0): " } ?? "") + reason)
    }
  }
}

/// A reader of files of public keys: PEM, DER, X.509 certificates, and OpenSSH's format of one line,
/// several of them in one file.
enum PublicKeyFile {
  /// A key, or a line of a list that names a file.
  enum Entry {
    case key(FoundPublicKey)
    case name([UInt8], line: Int)
  }

  /// All keys of a file, without duplicates. Throws `privateKey` for a private key, and `invalidKey`
  /// for everything else that is neither a public key nor a comment: ignoring it could lock out the
  /// recipient that it was added for. Only before a PEM block any text may stand.
  static func keys(in text: borrowing SecretBytes) throws(CryptoError) -> [FoundPublicKey] {
    var keys: [FoundPublicKey] = []
    var otherLine: Int?
    for entry in try entries(in: text) {
      switch entry {
      case .name(_, let line): otherLine = otherLine ?? line
      case .key(let key):
        if let otherLine, key.isOnLine { throw unreadable(line: otherLine) }
        keys.append(key)
        otherLine = nil
      }
    }
    guard !keys.isEmpty else {
      throw .invalidKey("not a public key or certificate, in PEM, in DER or in a line of OpenSSH")
    }
    if let otherLine { throw unreadable(line: otherLine) }
    return try withoutDuplicates(keys)
  }

  /// The keys and the other lines of a list, in order.
  static func list(in text: borrowing SecretBytes) throws(CryptoError) -> [Entry] {
    try entries(in: text)
  }

  private static func unreadable(line: Int) -> CryptoError {
    .invalidKey("line \(line) is neither a public key nor a comment")
  }

  private static func withoutDuplicates(
    _ keys: [FoundPublicKey]
  ) throws(CryptoError) -> [FoundPublicKey] {
    var fingerprints: Set<String> = []
    var found: [FoundPublicKey] = []
    for key in keys where fingerprints.insert(try key.key.fingerprint()).inserted {
      found.append(key)
    }
    return found
  }

  private static func entries(in text: borrowing SecretBytes) throws(CryptoError) -> [Entry] {
    if DERPublicKey.isDER(text) { return [.key(try DERPublicKey.read(text))] }
    var entries: [Entry] = []
    for item in try PEM.items(of: text, isKey: { SSHPublicKey(line: $0) != nil }) {
      switch item {
      case .block(let block) where block.label == PEM.parameters: continue
      case .block(let block): entries.append(.key(try key(in: block)))
      case .line(let line, let number):
        entries.append(try entry(line.bytes(in: text), line: number))
      }
    }
    try refuseIssuers(entries)
    return entries
  }

  private static func entry(_ line: [UInt8], line number: Int) throws(CryptoError) -> Entry {
    if line.starts(with: "PuTTY-User-Key-File-".utf8) {
      throw .privateKey("line \(number) begins a private key of PuTTY, not a public key")
    }
    guard let ssh = SSHPublicKey(line: line) else { return .name(line, line: number) }
    return .key(
      try FoundPublicKey(at: "line \(number) (\(ssh.type))") { () throws(CryptoError) in
        try ssh.key()
      })
  }

  private static func key(in block: PEM.Block) throws(CryptoError) -> FoundPublicKey {
    if block.label.hasSuffix("PRIVATE KEY") {
      throw .privateKey("\(block.name) is a private key, not a public key")
    }
    if PEM.certificateLabels.contains(block.label) { return try certificate(in: block) }
    guard PEM.publicLabels.contains(block.label) else {
      throw .invalidKey("\(block.name) is not a public key or certificate" + advice(block.label))
    }
    let der = try block.publicDER()
    return try FoundPublicKey(at: block.name) { () throws(CryptoError) in
      block.label == "PUBLIC KEY"
        ? try PKey.publicKey(subjectPublicKeyInfo: der) : try PKey.rsaPublicKey(pkcs1: der)
    }
  }

  private static func certificate(in block: PEM.Block) throws(CryptoError) -> FoundPublicKey {
    let der = try block.publicDER()
    let certificate: Certificate
    do {
      certificate = try Certificate(der: der, isTrusted: block.label.hasPrefix("TRUSTED"))
    } catch .invalidKey(let reason) {
      throw .invalidKey("\(block.name): \(reason)")
    }
    return try FoundPublicKey(at: block.name, certificate: certificate) { () throws(CryptoError) in
      try certificate.publicKey()
    }
  }

  private static func advice(_ label: String) -> String {
    switch label {
    case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
      "; 'openssl req -noout -pubkey' writes the public key of a request"
    case "PKCS7": "; 'openssl pkcs7 -print_certs' writes the certificates in it"
    default: ""
    }
  }

  /// Throws `invalidKey` if a certificate comes with that of its issuer, as in files for servers:
  /// nobody wants the authority as a recipient.
  private static func refuseIssuers(_ entries: [Entry]) throws(CryptoError) {
    let keys = entries.compactMap { entry -> FoundPublicKey? in
      if case .key(let key) = entry, key.certificate != nil { return key }
      return nil
    }
    for key in keys {
      for issuer in keys where key.certificate!.isIssued(by: issuer.certificate!) {
        throw .invalidKey(
          "\(issuer.place ?? "it") is the certificate of the issuer of \(key.place ?? "it"); remove "
            + "it, so that the issuer is not a recipient too")
      }
    }
  }
}

extension FoundPublicKey {
  /// True for a key in a line of OpenSSH.
  fileprivate var isOnLine: Bool { place?.hasPrefix("line ") ?? false }
}
