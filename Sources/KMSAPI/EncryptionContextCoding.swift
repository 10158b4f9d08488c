import Envelope

/// The encryption context as a member of the KMS API's shapes: in JSON an object, whose keys are as
/// different as their bytes are.
extension EncryptionContext: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: APIMember.self)
    let pairs = try container.allKeys.map { key in
      (key: key.stringValue, value: try container.decode(String.self, forKey: key))
    }
    // In order, each is put behind the last one.
    try self.init(pairs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: APIMember.self)
    for pair in pairs { try container.encode(pair.value, forKey: APIMember(pair.key)) }
  }
}

extension EncryptionContext: ExpressibleByDictionaryLiteral {
  /// A key that stands there twice is the programmer's mistake.
  public init(dictionaryLiteral elements: (String, String)...) {
    try! self.init(elements.map { (key: $0.0, value: $0.1) })
  }
}

extension EncryptionContext {
  /// The context of a request, none being an empty one. Throws `validation` where it is longer than
  /// one can be.
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
