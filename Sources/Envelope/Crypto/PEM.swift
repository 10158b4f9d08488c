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

    /// The same for a public key.
    func publicDER() throws(CryptoError) -> [UInt8] {
      try der().withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }
    }
  }

  private static let lineLength = 64

  /// A block, or a line of text outside of the blocks.
  enum Item {
    case block(Block)
    case line(PEMLines.Line, number: Int)
  }

  /// All blocks of `text`, in order. Throws `invalidKey` if a block has no end, if a line looks
  /// like part of a damaged block, and if a line is not text, so that no key is left out unnoticed.
  /// Explanatory text after the last block is allowed only if `allowsTextAfter`.
  static func blocks(
    of text: borrowing SecretBytes, allowsTextAfter: Bool
  ) throws(CryptoError) -> [Block] {
    var blocks: [Block] = []
    var hasTextAfter = false
    for item in try items(of: text) {
      switch item {
      case .line: hasTextAfter = true
      case .block(let block):
        blocks.append(block)
        hasTextAfter = false
      }
    }
    if hasTextAfter, !allowsTextAfter, let last = blocks.last {
      throw .invalidKey("there is something after \(last.name) that is not a PEM block")
    }
    return blocks
  }

  /// All blocks of `text` and the lines of text outside of them, in order. Leaves out empty lines
  /// and comments. Throws `invalidKey` as `blocks` does, except for a line that `isKey` accepts,
  /// although it looks like part of a damaged block.
  static func items(
    of text: borrowing SecretBytes, isKey: ([UInt8]) -> Bool = { _ in false }
  ) throws(CryptoError) -> [Item] {
    var items: [Item] = []
    var last: Block?
    var lines = PEMLines()
    while let line = lines.next(of: text) {
      let kind = line.kind(in: text)
      switch kind {
      case .blank, .comment: continue
      case .text: items.append(.line(line, number: lines.number))
      case .begin(let label):
        let block = try block(
          number: (last?.number ?? 0) + 1, label: label, of: text, from: &lines)
        items.append(.block(block))
        last = block
      case .damaged where isKey(line.bytes(in: text)):
        items.append(.line(line, number: lines.number))
      case .end, .damaged, .binary:
        let fault =
          kind == .binary
          ? "is not text" : "looks like a part of a PEM block, but is not in one"
        throw .invalidKey(
          "line \(lines.number) \(fault)" + (last.map { "; it comes after \($0.name)" } ?? ""))
      }
    }
    return items
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

  /// Returns a block of DER that is not secret.
  static func text(_ der: [UInt8], label: String) -> [UInt8] {
    var text = Array("-----BEGIN \(label)-----\n".utf8)
    let base64 = Base64.encode(der)
    for start in stride(from: 0, to: base64.count, by: lineLength) {
      text += base64[start..<min(start + lineLength, base64.count)]
      text.append(UInt8(ascii: "\n"))
    }
    return text + Array("-----END \(label)-----\n".utf8)
  }
}
