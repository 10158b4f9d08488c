import COpenSSL

/// A public key in OpenSSH's format of one line: `ssh-rsa AAAA… comment`, also with options before
/// it, as in `authorized_keys`. Options and comment say nothing about encryption.
struct SSHPublicKey {
  /// The name of the type, for example `ssh-rsa`.
  let type: String
  private let base64: ArraySlice<UInt8>
  private let isAuthority: Bool

  /// Nil if the line has another form. Its key may still be unusable.
  init?(line: [UInt8]) {
    var rest = line[...]
    var type = Self.word(&rest)
    var options: ArraySlice<UInt8> = []
    if !Self.isType(type) {
      options = type
      guard Self.areOptions(options) else { return nil }
      type = Self.word(&rest)
      guard Self.isType(type) else { return nil }
    }
    let base64 = Self.word(&rest)
    // The first field is shorter than 64 KiB, so its length begins with zeros.
    guard base64.starts(with: "AAAA".utf8) else { return nil }
    self.type = String(decoding: type, as: UTF8.self)
    self.base64 = base64
    isAuthority = options.split(separator: UInt8(ascii: ",")).contains {
      String(decoding: $0, as: UTF8.self).lowercased() == "cert-authority"
    }
  }

  /// Throws `invalidKey` if this is not a key that can wrap data keys.
  func key() throws(CryptoError) -> PKey {
    guard !isAuthority else {
      throw .invalidKey("the key of a certificate authority, which signs certificates")
    }
    if let reason = unusableReason { throw .invalidKey(reason) }
    guard let blob = Base64.decode(base64) else { throw .invalidKey("not base64, or cut off") }
    var reader = SSHWireReader(blob)
    guard reader.name() == type else { throw .invalidKey("the base64 is not a key of this type") }
    let key = try type == "ssh-rsa" ? Self.rsa(&reader) : ecdsa(&reader)
    guard reader.isAtEnd else { throw .invalidKey("there are more bytes after the key") }
    return key
  }

  /// The curves of the types of ECDSA keys.
  private static let curves: [String: (name: String, curve: Curve)] = [
    "ecdsa-sha2-nistp256": ("nistp256", .p256), "ecdsa-sha2-nistp384": ("nistp384", .p384),
    "ecdsa-sha2-nistp521": ("nistp521", .p521),
  ]

  private static let usable =
    "RSA and ECDSA keys (nistp256, nistp384, nistp521) can be recipients: 'ssh-keygen -t ecdsa' "
    + "makes one"

  /// Explains a type whose keys cannot wrap; nil for the others.
  private var unusableReason: String? {
    if type == "ssh-rsa" || Self.curves[type] != nil { return nil }
    if type.contains("-cert-v0") {
      return "an OpenSSH certificate; use the public key of its holder, which is in another file"
    }
    if type.hasPrefix("sk-") {
      return "a key in a security token, which signs but cannot decrypt; \(Self.usable)"
    }
    if type == "ssh-ed25519" || type == "ssh-dss" {
      return "a key that signs but cannot decrypt; \(Self.usable)"
    }
    return "a key of an unknown type; \(Self.usable)"
  }

  private static func rsa(_ reader: inout SSHWireReader) throws(CryptoError) -> PKey {
    guard let exponent = reader.positiveNumber(), let modulus = reader.positiveNumber() else {
      throw .invalidKey("the key is cut off, or its numbers are not positive")
    }
    return try PKey.rsaPublicKey(modulus: Array(modulus), exponent: Array(exponent))
  }

  private func ecdsa(_ reader: inout SSHWireReader) throws(CryptoError) -> PKey {
    guard let (name, curve) = Self.curves[type] else { throw .invalidKey("a key of another type") }
    guard reader.name() == name else { throw .invalidKey("a key on another curve") }
    guard let point = reader.field() else { throw .invalidKey("the key is cut off") }
    return try PKey.publicKey(on: curve, point: Array(point))
  }

  // MARK: The line

  /// Takes the next word off the line. A quoted text may contain spaces and `\"`.
  private static func word(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    rest = rest.drop(while: isSpace)
    var isQuoted = false
    var index = rest.startIndex
    while index < rest.endIndex, isQuoted || !isSpace(rest[index]) {
      if rest[index] == UInt8(ascii: "\\"), index + 1 < rest.endIndex,
        rest[index + 1] == UInt8(ascii: "\"")
      {
        index += 1
      } else if rest[index] == UInt8(ascii: "\"") {
        isQuoted.toggle()
      }
      index += 1
    }
    let word = rest[..<index]
    rest = rest[index...]
    return word
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  private static func isType(_ word: ArraySlice<UInt8>) -> Bool {
    ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].contains { word.starts(with: $0.utf8) }
      && word.count <= 64 && word.allSatisfy { isNameByte($0) || [0x2E, 0x40].contains($0) }
  }

  /// True for `name` and `name="value"`, separated by commas.
  private static func areOptions(_ word: ArraySlice<UInt8>) -> Bool {
    guard let first = word.first, isNameByte(first) else { return false }
    // A name ends at the first byte that is not in a name, and a quoted text follows it.
    var isQuoted = false
    for index in word.indices {
      let byte = word[index]
      if byte == UInt8(ascii: "\""), word[index - 1] != UInt8(ascii: "\\") { isQuoted.toggle() }
      let isSeparator = [UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: "\"")].contains(byte)
      guard isQuoted || isSeparator || isNameByte(byte) else { return false }
    }
    return !isQuoted
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}

extension PKey {
  /// The RSA public key of these numbers, big-endian. The caller checks it.
  fileprivate static func rsaPublicKey(
    modulus: [UInt8], exponent: [UInt8]
  ) throws(CryptoError) -> PKey {
    // 16384 bits, the most that libcrypto uses.
    guard modulus.count <= 2048, exponent.count <= modulus.count else {
      throw .invalidKey("RSA keys have 2048 to 16384 bits, this one has \(modulus.count * 8)")
    }
    LibCrypto.prepare()
    return try PKey(
      envcrypt_rsa_public_key(modulus, modulus.count, exponent, exponent.count),
      else: "not an RSA public key")
  }
}
