/// A reader and writer of PEM text (RFC 7468, and RFC 1421 as in OpenSSL): blocks with explanatory
/// text around them. The reader and writer of libcrypto leave copies of keys in memory that they do
/// not wipe, and the reader stops at the first key.
package enum PEM {
  /// The text between a BEGIN line and its END line.
  struct Block {
    /// The position among the blocks of the text, counted from 1.
    let number: Int
    let label: String
    fileprivate let base64: SecretText
    /// True if a header of the block says so, in the form from before PKCS #8.
    let isEncrypted: Bool

    /// The name of the block in error messages.
    var name: String { "block \(number) (\(label))" }

    func der() throws(CryptoError) -> SecretBytes {
      guard let der = Base64.decodeSecret(base64.bytes), der.count > 0 else {
        throw .invalidKey("\(name) is not base64")
      }
      return der
    }
  }

  private static let lineLength = 64

  /// All blocks of `text`, in order. Throws `invalidKey` if a block has no end, if a line looks
  /// like part of a damaged block, and if a line is not text, so that no key is left out unnoticed.
  /// Explanatory text after the last block is allowed only if `allowsTextAfter`.
  static func blocks(
    of text: borrowing SecretBytes, allowsTextAfter: Bool
  ) throws(CryptoError) -> [Block] {
    var blocks: [Block] = []
    var hasTextAfter = false
    var lines = PEMLines()
    while let line = lines.next(of: text) {
      switch line.kind(in: text) {
      case .blank, .comment: continue
      case .text: hasTextAfter = true
      case .begin(let label):
        blocks.append(
          try block(number: blocks.count + 1, label: label, of: text, from: &lines))
        hasTextAfter = false
      case .end, .damaged:
        throw .invalidKey(
          "line \(lines.number) looks like a part of a PEM block, but is not in one"
            + (blocks.last.map { "; it comes after \($0.name)" } ?? ""))
      case .binary:
        throw .invalidKey(
          "line \(lines.number) is not text"
            + (blocks.last.map { "; it comes after \($0.name)" } ?? ""))
      }
    }
    if hasTextAfter, !allowsTextAfter, let last = blocks.last {
      throw .invalidKey("there is something after \(last.name) that is not a PEM block")
    }
    return blocks
  }

  /// Reads the block after its BEGIN line.
  private static func block(
    number: Int, label: String, of text: borrowing SecretBytes, from lines: inout PEMLines
  ) throws(CryptoError) -> Block {
    var base64 = SecretWriter()
    var isEncrypted = false
    var isHeader: Bool?
    while let line = lines.next(of: text) {
      switch line.kind(in: text) {
      case .end(label):
        return Block(
          number: number, label: label, base64: SecretText(base64.finish()),
          isEncrypted: isEncrypted)
      case .begin, .end: throw .invalidKey("block \(number) (\(label)) has no END line")
      case .blank: isHeader = false
      case .comment, .text, .damaged, .binary:
        // Headers contain a colon, and base64 does not. An empty line ends the headers.
        let isHeaderHere = isHeader ?? line.contains(":", in: text)
        isHeader = isHeaderHere
        if isHeaderHere {
          isEncrypted = isEncrypted || line.contains("ENCRYPTED", in: text)
        } else {
          text.withBytes { base64.append($0.extracting(line.range)) }
        }
      }
    }
    throw .invalidKey("block \(number) (\(label)) is cut off: it has no END line")
  }

  /// "BEGIN PRIVATE KEY" around `pkcs8`.
  package static func text(pkcs8: borrowing SecretBytes) -> SecretBytes {
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
}
