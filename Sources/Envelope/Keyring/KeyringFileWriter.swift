extension KeyringFile {
  /// Returns the JSON text, which contains the keys in plaintext.
  package func serialized() -> SecretBytes {
    var writer = JSONWriter(.keyringFile)
    writer.beginObject()
    if !aliases.isEmpty {
      writer.name("aliases")
      writer.beginObject()
      for alias in aliases.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
        writer.name(alias.key)
        writer.string(alias.value)
      }
      writer.endObject()
    }
    writer.name("keys")
    writer.beginArray()
    for entry in keys { entry.write(to: &writer) }
    writer.endArray()
    writer.endObject()
    return writer.finish(lineFeed: true)
  }
}

extension KeyringFile.Entry {
  /// Writes the members in alphabetical order.
  fileprivate func write(to writer: inout JSONWriter) {
    func text(_ member: String, _ value: String?, _ writer: inout JSONWriter) {
      guard let value else { return }
      writer.name(member)
      writer.string(value)
    }
    writer.beginObject()
    text("algorithm", algorithm.rawValue, &writer)
    if let bits {
      writer.name("bits")
      writer.number("\(bits)")
    }
    text("encoding", encoding.rawValue, &writer)
    text("key-id", keyID, &writer)
    writer.name("material")
    writer.secret(material.bytes)
    text("padding-algorithm", paddingAlgorithm?.rawValue, &writer)
    text("padding-hash", paddingHash?.rawValue, &writer)
    text("provider-id", providerID, &writer)
    text("type", type.rawValue, &writer)
    writer.endObject()
  }
}
