import KMSAPI

/// A source of the members of a shape during decoding, under their property names.
protocol KMSMembers {
  /// True if the member is present and not null.
  func contains(_ property: String) -> Bool
  func value<Value: Decodable>(_ type: Value.Type, _ property: String) throws -> Value
}

extension KMSMembers {
  /// Returns the shape that has these members.
  func shape<Shape: Decodable>(_ type: Shape.Type) throws -> Shape {
    try Shape(from: MemberDecoder(members: self))
  }
}

/// A decoder of one shape that offers only its members.
private struct MemberDecoder: Decoder {
  let members: any KMSMembers
  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]

  func container<Key>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(MemberContainer(members: members))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw notAShape("a list") }
  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    throw notAShape("a single value")
  }

  private func notAShape(_ what: String) -> DecodingError {
    .dataCorrupted(
      DecodingError.Context(codingPath: [], debugDescription: "\(what) of an unknown type"))
  }
}

private struct MemberContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let members: any KMSMembers
  let codingPath: [any CodingKey] = []
  let allKeys: [Key] = []

  func contains(_ key: Key) -> Bool { members.contains(key.stringValue) }
  func decodeNil(forKey key: Key) -> Bool { !members.contains(key.stringValue) }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    try members.value(type, key.stringValue)
  }
  func decode(_: Bool.Type, forKey key: Key) throws -> Bool { try value(key) }
  func decode(_: String.Type, forKey key: Key) throws -> String { try value(key) }
  func decode(_: Double.Type, forKey key: Key) throws -> Double { try value(key) }
  func decode(_: Float.Type, forKey key: Key) throws -> Float { try value(key) }
  func decode(_: Int.Type, forKey key: Key) throws -> Int { try value(key) }
  func decode(_: Int8.Type, forKey key: Key) throws -> Int8 { try value(key) }
  func decode(_: Int16.Type, forKey key: Key) throws -> Int16 { try value(key) }
  func decode(_: Int32.Type, forKey key: Key) throws -> Int32 { try value(key) }
  func decode(_: Int64.Type, forKey key: Key) throws -> Int64 { try value(key) }
  func decode(_: UInt.Type, forKey key: Key) throws -> UInt { try value(key) }
  func decode(_: UInt8.Type, forKey key: Key) throws -> UInt8 { try value(key) }
  func decode(_: UInt16.Type, forKey key: Key) throws -> UInt16 { try value(key) }
  func decode(_: UInt32.Type, forKey key: Key) throws -> UInt32 { try value(key) }
  func decode(_: UInt64.Type, forKey key: Key) throws -> UInt64 { try value(key) }

  private func value<T: Decodable>(_ key: Key) throws -> T {
    try members.value(T.self, key.stringValue)
  }

  func nestedContainer<Nested>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> { throw notSynthesized(key) }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    throw notSynthesized(key)
  }
  func superDecoder() throws -> any Decoder { throw notSynthesized(APIMember("super")) }
  func superDecoder(forKey key: Key) throws -> any Decoder { throw notSynthesized(key) }

  private func notSynthesized(_ key: any CodingKey) -> DecodingError {
    .dataCorrupted(
      DecodingError.Context(
        codingPath: [key], debugDescription: "only synthesized decoding is supported"))
  }
}
