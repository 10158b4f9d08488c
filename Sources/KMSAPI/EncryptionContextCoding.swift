import Envelope

/// The encryption context as a member of the KMS API's shapes. In JSON, it is an object. Two of its
/// keys are different if their bytes are different.
extension EncryptionContext: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: APIMember.self)
    let pairs = try container.allKeys.map { key in
      (key: key.stringValue, value: try container.decode(String.self, forKey: key))
    }
    // If the pairs are sorted, each one is added at the end.
    try self.init(pairs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: APIMember.self)
    for pair in pairs { try container.encode(pair.value, forKey: APIMember(pair.key)) }
  }
}

extension EncryptionContext: ExpressibleByDictionaryLiteral {
  /// Makes a context from a literal. A key that occurs twice is a mistake of the programmer, and
  /// traps.
  public init(dictionaryLiteral elements: (String, String)...) {
    try! self.init(elements.map { (key: $0.0, value: $0.1) })
  }
}

extension EncryptionContext {
  /// Makes the context of a request. If the request has none, the context is empty. Throws
  /// `validation` if the context is too long.
  package init(ofRequest context: EncryptionContext?) throws(KeyServiceError) {
    self = context ?? EncryptionContext()
    do throws(MessageError) {
      _ = try serialized()
    } catch {
      guard case .malformed(let reason) = error else {
        throw .validation("an encryption context that cannot be serialized")
      }
      throw .validation(reason)
    }
  }
}
