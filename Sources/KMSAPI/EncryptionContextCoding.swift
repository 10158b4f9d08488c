import Envelope

/// The encryption context as a member of the KMS API's shapes. In JSON, it is an object. Two of its
/// keys are different if their bytes are different.
extension EncryptionContext: Codable {
  /// Reads an object whose members are the pairs. Throws `DecodingError` for another shape, and
  /// `MessageError.malformed` if a key occurs twice.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: APIMember.self)
    let pairs = try container.allKeys.map { key in
      (key: key.stringValue, value: try container.decode(String.self, forKey: key))
    }
    // If the pairs are sorted, each one is added at the end.
    try self.init(pairs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
  }

  /// Writes an object whose members are the pairs.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: APIMember.self)
    for pair in pairs { try container.encode(pair.value, forKey: APIMember(pair.key)) }
  }
}

extension EncryptionContext {
  /// Makes the context of a request. If the request has none, the context is empty. Throws
  /// `validation` if the context is too long, or has the key that is reserved for the audit log.
  package init(ofRequest context: EncryptionContext?) throws(KeyServiceError) {
    self = context ?? EncryptionContext()
    guard self[Self.messageIDName] == nil else {
      throw .validation("'\(Self.messageIDName)' is reserved for the audit log")
    }
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
