import Foundation

/// A decoder that reads shapes, which are `Decodable` types, from JSON.
///
/// `memberName` turns the name of a property into the name of its member, and `propertyName` does
/// the reverse. Keys that can be any text, for example those of a dictionary, are data: they are
/// not changed, and are compared byte by byte. Members that the shape does not have are ignored. A
/// date is a text that `APIDate` reads, or a number of seconds since 1970. A number for an integer
/// of the shape must be written as an integer and must fit.
package struct JSONDecoding {
  package var memberName: (String) -> String = { $0 }
  package var propertyName: (String) -> String = { $0 }
  package var userInfo: [CodingUserInfoKey: any Sendable] = [:]

  package init() {}

  /// Throws `DecodingError`.
  package func decode<Shape: Decodable>(_ type: Shape.Type, from value: JSONValue) throws -> Shape {
    try JSONValueDecoder(value: value, place: nil, decoding: self).decode(type)
  }
}

extension JSONError {
  /// The same error as a `DecodingError`, which decoders throw.
  package var decodingError: DecodingError {
    .dataCorrupted(
      DecodingError.Context(
        codingPath: [], debugDescription: explanation, underlyingError: self))
  }
}

/// The path of keys to a value, for errors.
final class JSONPlace {
  private let key: any CodingKey
  private let outer: JSONPlace?

  init(_ key: any CodingKey, in outer: JSONPlace?) {
    self.key = key
    self.outer = outer
  }

  var codingPath: [any CodingKey] { (outer?.codingPath ?? []) + [key] }
}

/// The index of an element, counted from 0.
struct JSONElementKey: CodingKey {
  let intValue: Int?
  var stringValue: String { "\(intValue ?? 0)" }

  init(intValue: Int) { self.intValue = intValue }
  init?(stringValue: String) { nil }
}

/// The name of a member as in the text.
struct JSONMemberKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension CodingKey {
  /// True if any text can be a key of this type. Such a key is data and not the name of a property.
  static var isData: Bool { Self(stringValue: "") != nil }
}

// MARK: - Values

/// A decoder of one value.
struct JSONValueDecoder: Decoder {
  let value: JSONValue
  let place: JSONPlace?
  let decoding: JSONDecoding

  var codingPath: [any CodingKey] { place?.codingPath ?? [] }
  var userInfo: [CodingUserInfoKey: Any] { decoding.userInfo }

  func container<Key>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard let object = value.object else { throw mismatch([String: Any].self) }
    return KeyedDecodingContainer(JSONObjectDecoder(object: object, decoder: self))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard let elements = value.array else { throw mismatch([Any].self) }
    return JSONArrayDecoder(elements: elements, decoder: self)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { self }

  fileprivate func inner(_ value: JSONValue, _ key: any CodingKey) -> JSONValueDecoder {
    JSONValueDecoder(value: value, place: JSONPlace(key, in: place), decoding: decoding)
  }

  fileprivate func mismatch(_ type: any Any.Type) -> DecodingError {
    let context = DecodingError.Context(
      codingPath: codingPath, debugDescription: "another value is wanted, not \(value.kind)")
    return value.isNull ? .valueNotFound(type, context) : .typeMismatch(type, context)
  }

  fileprivate func corrupted(_ what: String) -> DecodingError {
    .dataCorrupted(DecodingError.Context(codingPath: codingPath, debugDescription: what))
  }

  fileprivate func date() throws -> Date {
    let text: String
    let date: Date?
    if case .number(let number) = value.content {
      text = number.text
      date = number.double.flatMap(APIDate.date(secondsSince1970:))
    } else {
      text = try decode(String.self)
      date = APIDate.date(text)
    }
    guard let date else { throw corrupted("'\(text.shortened)' is not a date: \(APIDate.wanted)") }
    return date
  }

  fileprivate func integer<Integer: FixedWidthInteger>() throws -> Integer {
    guard case .number(let number) = value.content else { throw mismatch(Int.self) }
    if let integer = number.integer(as: Integer.self) { return integer }
    throw corrupted(
      "\(number.text.shortened) is \(number.isInteger ? "out of range" : "not a whole number")")
  }
}

extension JSONValueDecoder: SingleValueDecodingContainer {
  func decodeNil() -> Bool { value.isNull }

  func decode(_: Bool.Type) throws -> Bool {
    guard case .bool(let bool) = value.content else { throw mismatch(Bool.self) }
    return bool
  }

  func decode(_: String.Type) throws -> String {
    guard case .string(let text) = value.content else { throw mismatch(String.self) }
    return text
  }

  func decode(_: Double.Type) throws -> Double {
    guard case .number(let number) = value.content else { throw mismatch(Double.self) }
    guard let double = number.double else {
      throw corrupted("\(number.text.shortened) is out of range")
    }
    return double
  }

  func decode(_: Float.Type) throws -> Float { Float(try decode(Double.self)) }
  func decode(_: Int.Type) throws -> Int { try integer() }
  func decode(_: Int8.Type) throws -> Int8 { try integer() }
  func decode(_: Int16.Type) throws -> Int16 { try integer() }
  func decode(_: Int32.Type) throws -> Int32 { try integer() }
  func decode(_: Int64.Type) throws -> Int64 { try integer() }
  func decode(_: UInt.Type) throws -> UInt { try integer() }
  func decode(_: UInt8.Type) throws -> UInt8 { try integer() }
  func decode(_: UInt16.Type) throws -> UInt16 { try integer() }
  func decode(_: UInt32.Type) throws -> UInt32 { try integer() }
  func decode(_: UInt64.Type) throws -> UInt64 { try integer() }

  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    type == Date.self ? try date() as! Value : try Value(from: self)
  }
}

// MARK: - Objects

/// The node at which the next search for a member begins.
private final class JSONSearchStart {
  var index: Int

  init(_ index: Int) { self.index = index }
}

private struct JSONObjectDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let object: JSONObject
  let decoder: JSONValueDecoder
  private let start: JSONSearchStart

  init(object: JSONObject, decoder: JSONValueDecoder) {
    self.object = object
    self.decoder = decoder
    start = JSONSearchStart(object.value.index + 1)
  }

  var codingPath: [any CodingKey] { decoder.codingPath }

  var allKeys: [Key] {
    object.members.compactMap { member in
      Key(stringValue: Key.isData ? member.name : decoder.decoding.propertyName(member.name))
    }
  }

  private func name(_ key: any CodingKey) -> String {
    Key.isData ? key.stringValue : decoder.decoding.memberName(key.stringValue)
  }

  private func value(_ name: String) -> JSONValue? {
    let found = object.member(name, from: &start.index)
    // A member is often looked up several times in a row.
    if let found { start.index = found.index - 1 }
    return found
  }

  private func inner(_ key: any CodingKey) throws -> JSONValueDecoder {
    let name = name(key)
    guard let value = value(name) else {
      throw DecodingError.keyNotFound(
        key, DecodingError.Context(codingPath: codingPath, debugDescription: "it is missing"))
    }
    return decoder.inner(value, JSONMemberKey(stringValue: name))
  }

  func contains(_ key: Key) -> Bool { value(name(key)) != nil }
  func decodeNil(forKey key: Key) throws -> Bool { try inner(key).decodeNil() }
  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try inner(key).decode(type) }
  func decode(_ type: String.Type, forKey key: Key) throws -> String { try inner(key).decode(type) }
  func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try inner(key).decode(type) }
  func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try inner(key).decode(type) }
  func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try inner(key).decode(type) }
  func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try inner(key).decode(type) }
  func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try inner(key).decode(type) }
  func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try inner(key).decode(type) }
  func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try inner(key).decode(type) }
  func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try inner(key).decode(type) }
  func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try inner(key).decode(type) }
  func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try inner(key).decode(type) }
  func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try inner(key).decode(type) }
  func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try inner(key).decode(type) }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try inner(key).decode(type)
  }

  func nestedContainer<Nested>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> { try inner(key).container(keyedBy: type) }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try inner(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { try inner(JSONMemberKey(stringValue: "super")) }
  func superDecoder(forKey key: Key) throws -> any Decoder { try inner(key) }
}

// MARK: - Lists

private struct JSONArrayDecoder: UnkeyedDecodingContainer {
  let elements: [JSONValue]
  let decoder: JSONValueDecoder
  private(set) var currentIndex = 0

  init(elements: [JSONValue], decoder: JSONValueDecoder) {
    self.elements = elements
    self.decoder = decoder
  }

  var codingPath: [any CodingKey] { decoder.codingPath }
  var count: Int? { elements.count }
  var isAtEnd: Bool { currentIndex == elements.count }

  /// Decodes the next element. If that fails, the element remains the next one.
  private mutating func next<Value>(_ body: (JSONValueDecoder) throws -> Value) throws -> Value {
    let key = JSONElementKey(intValue: currentIndex)
    guard !isAtEnd else {
      throw DecodingError.valueNotFound(
        Value.self,
        DecodingError.Context(
          codingPath: codingPath + [key], debugDescription: "the list has no more"))
    }
    let value = try body(decoder.inner(elements[currentIndex], key))
    currentIndex += 1
    return value
  }

  mutating func decodeNil() -> Bool {
    guard !isAtEnd, elements[currentIndex].isNull else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try next { try $0.decode(type) }
  }

  mutating func nestedContainer<Nested>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> { try next { try $0.container(keyedBy: type) } }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try next { try $0.unkeyedContainer() }
  }

  mutating func superDecoder() throws -> any Decoder { try next { $0 } }
}
