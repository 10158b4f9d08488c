/// Private keys in PEM (RFC 7468, and RFC 1421 as OpenSSL has it), not encrypted. libcrypto's own
/// reader and writer leave copies of the key in memory that they do not wipe.
enum PEM {
  /// PKCS #8, and the forms from before it.
  private static let labels = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"]
  private static let lineLength = 64

  /// The DER of the first private key in `text`; nil where there is none, or one that is encrypted.
  static func privateKey(in text: borrowing SecretBytes) -> SecretBytes? {
    var base64 = SecretWriter()
    var label: String?
    var start = 0
    while let line = nextLine(of: text, from: &start) {
      if let inside = label {
        if matches(text, line, "-----END \(inside)-----") {
          return Base64.decodeSecret(base64.finish())
        }
        text.withBytes { base64.append($0.extracting(line)) }
      } else {
        label = labels.first { matches(text, line, "-----BEGIN \($0)-----") }
      }
    }
    return nil
  }

  /// "BEGIN PRIVATE KEY" around `pkcs8`.
  static func text(pkcs8: borrowing SecretBytes) -> SecretBytes {
    let base64 = Base64.encodeSecret(pkcs8)
    var writer = SecretWriter()
    writer.append("-----BEGIN PRIVATE KEY-----\n")
    base64.withBytes { bytes in
      for start in stride(from: 0, to: bytes.byteCount, by: lineLength) {
        writer.append(bytes.extracting(start..<min(start + lineLength, bytes.byteCount)))
        writer.append("\n")
      }
    }
    writer.append("-----END PRIVATE KEY-----\n")
    return writer.finish()
  }

  /// Where the next line stands, without white space around it; nil behind the last one.
  private static func nextLine(
    of text: borrowing SecretBytes, from start: inout Int
  ) -> Range<Int>? {
    guard start < text.count else { return nil }
    let from = start
    var (line, next) = (0..<0, 0)
    text.withBytes { bytes in
      func byte(_ index: Int) -> UInt8 { bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self) }
      var end = from
      while end < bytes.byteCount, byte(end) != UInt8(ascii: "\n") { end += 1 }
      next = end + 1
      var begin = from
      while begin < end, byte(begin) <= 0x20 { begin += 1 }
      while end > begin, byte(end - 1) <= 0x20 { end -= 1 }
      line = begin..<end
    }
    start = next
    return line
  }

  private static func matches(
    _ text: borrowing SecretBytes, _ line: Range<Int>, _ wanted: String
  ) -> Bool {
    text.withBytes { bytes in
      bytes.extracting(line).withUnsafeBytes { $0.elementsEqual(wanted.utf8) }
    }
  }
}
