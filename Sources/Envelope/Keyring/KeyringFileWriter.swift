extension KeyringFile {
  /// The JSON text: a key in the clear.
  public func serialized() -> SecretBytes {
    var writer = SecretWriter()
    writer.append("{\n  \"keys\" : [\n")
    for (index, entry) in keys.enumerated() {
      if index > 0 { writer.append(",\n") }
      entry.write(to: &writer)
    }
    writer.append("\n  ]\n}\n")
    return writer.finish()
  }
}

extension KeyringFile.Entry {
  /// Members in the order of their names.
  fileprivate func write(to writer: inout SecretWriter) {
    var isFirst = true
    func name(_ member: String, _ writer: inout SecretWriter) {
      writer.append((isFirst ? "" : ",\n") + "      \"\(member)\" : ")
      isFirst = false
    }
    func text(_ member: String, _ value: String?, _ writer: inout SecretWriter) {
      guard let value else { return }
      name(member, &writer)
      writer.appendJSON(SecretText(value).bytes)
    }
    writer.append("    {\n")
    text("algorithm", algorithm.rawValue, &writer)
    if let bits {
      name("bits", &writer)
      writer.append("\(bits)")
    }
    text("encoding", encoding.rawValue, &writer)
    text("key-id", keyID, &writer)
    name("material", &writer)
    writer.appendJSON(material.bytes)
    text("padding-algorithm", paddingAlgorithm?.rawValue, &writer)
    text("padding-hash", paddingHash?.rawValue, &writer)
    text("provider-id", providerID, &writer)
    text("type", type.rawValue, &writer)
    writer.append("\n    }")
  }
}

extension SecretWriter {
  /// A string as JSON has it.
  fileprivate mutating func appendJSON(_ text: borrowing SecretBytes) {
    append("\"")
    text.withBytes { bytes in
      var start = 0
      for index in 0..<bytes.byteCount {
        let byte = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
        guard let escape = Self.escape(byte) else { continue }
        append(bytes.extracting(start..<index))
        append(escape)
        start = index + 1
      }
      append(bytes.extracting(start..<bytes.byteCount))
    }
    append("\"")
  }

  private static func escape(_ byte: UInt8) -> String? {
    switch byte {
    case UInt8(ascii: "\""): return "\\\""
    case UInt8(ascii: "\\"): return "\\\\"
    case UInt8(ascii: "\n"): return "\\n"
    case UInt8(ascii: "\r"): return "\\r"
    case UInt8(ascii: "\t"): return "\\t"
    case 0..<0x20: return "\\u00" + Hexadecimal.encode([byte])
    default: return nil
    }
  }
}
