import Foundation

/// An encoder that writes shapes as JSON, which `JSONDecoding` reads. Leaves no copy of a secret
/// text in memory.
package struct JSONEncoding {
  /// The order of the members of an object.
  package enum Order: Sendable {
    /// The order of the properties.
    case declared
    /// The order of the bytes of the names.
    case sorted
  }

  package var memberName: (String) -> String = { $0 }
  package var order = Order.sorted
  package var layout = JSONLayout.compact
  package var escapes: JSONEscapes = []

  package init() {}

  /// Throws `EncodingError` for a date outside the years 1 to 9999, and for an infinite number.
  package func encode(_ value: some Encodable, lineFeed: Bool = false) throws -> SecretBytes {
    let tree = try JSONTreeEncoder(slot: JSONSlot(), place: nil, encoding: self).tree(of: value)
    var writer = JSONWriter(layout, escaping: escapes)
    tree.write(to: &writer, order)
    return writer.finish(lineFeed: lineFeed)
  }
}

extension JSONEncoding {
  /// The JSON as a `String`, which cannot be wiped.
  package func text(of value: some Encodable) throws -> String {
    try encode(value).withBytes { bytes in
      bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
  }
}

/// An encoded value whose members are not sorted yet.
enum JSONTree {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case secret(SecretText)
  case array(JSONArrayTree)
  case object(JSONObjectTree)
  /// A value whose encoder is not finished yet.
  case later(JSONSlot)

  func write(to writer: inout JSONWriter, _ order: JSONEncoding.Order) {
    switch self {
    case .null: writer.null()
    case .bool(let bool): writer.bool(bool)
    case .number(let text): writer.number(text)
    case .string(let text): writer.string(text)
    case .secret(let text): writer.secret(text.bytes)
    case .array(let array):
      writer.beginArray()
      for element in array.elements { element.write(to: &writer, order) }
      writer.endArray()
    case .object(let object):
      writer.beginObject()
      let members =
        order == .declared
        ? object.members
        : object.members.sorted { $0.name.utf8Precedes($1.name) }
      for member in members {
        writer.name(member.name)
        member.value.write(to: &writer, order)
      }
      writer.endObject()
    case .later(let slot): slot.value.write(to: &writer, order)
    }
  }
}

extension String {
  /// Compares the UTF-8 bytes.
  fileprivate func utf8Precedes(_ other: String) -> Bool {
    let precedes = utf8.withContiguousStorageIfAvailable { left in
      other.utf8.withContiguousStorageIfAvailable { left.lexicographicallyPrecedes($0) }
    }
    return (precedes ?? nil) ?? utf8.lexicographicallyPrecedes(other.utf8)
  }
}

final class JSONArrayTree { var elements: [JSONTree] = [] }
final class JSONObjectTree { var members: [(name: String, value: JSONTree)] = [] }

/// The slot that receives the value of an encoder.
final class JSONSlot {
  var tree: JSONTree?

  /// The value, or an empty object if nothing was encoded.
  var value: JSONTree { tree ?? .object(JSONObjectTree()) }
}

/// An encoder of one value.
struct JSONTreeEncoder: Encoder {
  let slot: JSONSlot
  let place: JSONPlace?
  let encoding: JSONEncoding

  var codingPath: [any CodingKey] { place?.codingPath ?? [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    if case .object(let object)? = slot.tree {
      return KeyedEncodingContainer(JSONObjectEncoder(object: object, encoder: self))
    }
    precondition(slot.tree == nil, "a value is encoded in two forms")
    let object = JSONObjectTree()
    slot.tree = .object(object)
    return KeyedEncodingContainer(JSONObjectEncoder(object: object, encoder: self))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    precondition(slot.tree == nil, "a value is encoded in two forms")
    let array = JSONArrayTree()
    slot.tree = .array(array)
    return JSONArrayEncoder(array: array, encoder: self)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { self }

  fileprivate func inner(_ key: any CodingKey) -> JSONTreeEncoder {
    JSONTreeEncoder(slot: JSONSlot(), place: JSONPlace(key, in: place), encoding: encoding)
  }

  fileprivate func tree<Value: Encodable>(of value: Value) throws -> JSONTree {
    if Value.self == Date.self { return .string(try text(of: value as! Date)) }
    try value.encode(to: self)
    return slot.value
  }

  private func text(of date: Date) throws -> String {
    guard let text = APIDate.text(date) else {
      throw EncodingError.invalidValue(
        date,
        EncodingError.Context(
          codingPath: codingPath, debugDescription: "not a date of years 1 to 9999"))
    }
    return text
  }

  fileprivate func tree(of number: Double) throws -> JSONTree {
    guard number.isFinite else {
      throw EncodingError.invalidValue(
        number, EncodingError.Context(codingPath: codingPath, debugDescription: "not a number"))
    }
    let text = "\(number)"
    return .number(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
  }
}

extension JSONTreeEncoder: SingleValueEncodingContainer {
  private func put(_ tree: JSONTree) {
    precondition(slot.tree == nil, "a value is encoded twice")
    slot.tree = tree
  }

  /// Encodes a secret text as a string. Leaves no copy of it in memory.
  func encode(secret text: SecretText) { put(.secret(text)) }

  func encodeNil() { put(.null) }
  func encode(_ value: Bool) { put(.bool(value)) }
  func encode(_ value: String) { put(.string(value)) }
  func encode(_ value: Double) throws { put(try tree(of: value)) }
  func encode(_ value: Float) throws { put(try tree(of: Double(value))) }
  func encode(_ value: Int) { put(.number("\(value)")) }
  func encode(_ value: Int8) { put(.number("\(value)")) }
  func encode(_ value: Int16) { put(.number("\(value)")) }
  func encode(_ value: Int32) { put(.number("\(value)")) }
  func encode(_ value: Int64) { put(.number("\(value)")) }
  func encode(_ value: UInt) { put(.number("\(value)")) }
  func encode(_ value: UInt8) { put(.number("\(value)")) }
  func encode(_ value: UInt16) { put(.number("\(value)")) }
  func encode(_ value: UInt32) { put(.number("\(value)")) }
  func encode(_ value: UInt64) { put(.number("\(value)")) }

  func encode<Value: Encodable>(_ value: Value) throws {
    let inner = JSONTreeEncoder(slot: JSONSlot(), place: place, encoding: encoding)
    put(try inner.tree(of: value))
  }
}

// MARK: - Objects

private struct JSONObjectEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let object: JSONObjectTree
  let encoder: JSONTreeEncoder

  var codingPath: [any CodingKey] { encoder.codingPath }

  private func put(_ tree: JSONTree, _ key: any CodingKey) {
    let name = key.stringValue
    object.members.append((Key.isData ? name : encoder.encoding.memberName(name), tree))
  }

  func encodeNil(forKey key: Key) { put(.null, key) }
  func encode(_ value: Bool, forKey key: Key) { put(.bool(value), key) }
  func encode(_ value: String, forKey key: Key) { put(.string(value), key) }
  func encode(_ value: Double, forKey key: Key) throws {
    put(try encoder.inner(key).tree(of: value), key)
  }
  func encode(_ value: Float, forKey key: Key) throws {
    put(try encoder.inner(key).tree(of: Double(value)), key)
  }
  func encode(_ value: Int, forKey key: Key) { put(.number("\(value)"), key) }
  func encode(_ value: Int8, forKey key: Key) { put(.number("\(value)"), key) }
  func encode(_ value: Int16, forKey key: Key) { put(.number("\(value)"), key) }
  func encode(_ value: Int32, forKey key: Key) { put(.number("\(value)"), key) }
  func encode(_ value: Int64, forKey key: Key) { put(.number("\(value)"), key) }
  func encode(_ value: UInt, forKey key: Key) { put(.number("\(value)"), key) }
  func encode(_ value: UInt8, forKey key: Key) { put(.number("\(value)"), key) }
  func encode(_ value: UInt16, forKey key: Key) { put(.number("\(value)"), key) }
  func encode(_ value: UInt32, forKey key: Key) { put(.number("\(value)"), key) }
  func encode(_ value: UInt64, forKey key: Key) { put(.number("\(value)"), key) }

  func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
    put(try encoder.inner(key).tree(of: value), key)
  }

  func nestedContainer<Nested>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    let object = JSONObjectTree()
    put(.object(object), key)
    return KeyedEncodingContainer(
      JSONObjectEncoder<Nested>(object: object, encoder: encoder.inner(key)))
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    let array = JSONArrayTree()
    put(.array(array), key)
    return JSONArrayEncoder(array: array, encoder: encoder.inner(key))
  }

  func superEncoder() -> any Encoder { superEncoder(for: JSONMemberKey(stringValue: "super")) }
  func superEncoder(forKey key: Key) -> any Encoder { superEncoder(for: key) }

  private func superEncoder(for key: any CodingKey) -> any Encoder {
    let inner = encoder.inner(key)
    put(.later(inner.slot), key)
    return inner
  }
}

// MARK: - Lists

private struct JSONArrayEncoder: UnkeyedEncodingContainer {
  let array: JSONArrayTree
  let encoder: JSONTreeEncoder

  var codingPath: [any CodingKey] { encoder.codingPath }
  var count: Int { array.elements.count }

  private var inner: JSONTreeEncoder { encoder.inner(JSONElementKey(intValue: count)) }

  func encodeNil() { array.elements.append(.null) }

  func encode<Value: Encodable>(_ value: Value) throws {
    array.elements.append(try inner.tree(of: value))
  }

  func nestedContainer<Nested>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    let object = JSONObjectTree()
    let inner = inner
    array.elements.append(.object(object))
    return KeyedEncodingContainer(JSONObjectEncoder<Nested>(object: object, encoder: inner))
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    let list = JSONArrayTree()
    let inner = inner
    array.elements.append(.array(list))
    return JSONArrayEncoder(array: list, encoder: inner)
  }

  func superEncoder() -> any Encoder {
    let inner = inner
    array.elements.append(.later(inner.slot))
    return inner
  }
}

// MARK: - Secrets

extension SecretText {
  /// Decodes the text of a string. With `JSONValueDecoder` no copy of it remains in memory.
  package convenience init(from decoder: any Decoder) throws {
    guard let json = decoder as? JSONValueDecoder, let bytes = json.value.secret() else {
      self.init(try decoder.singleValueContainer().decode(String.self))
      return
    }
    self.init(bytes)
  }

  /// Encodes the text as a string. With `JSONTreeEncoder` no copy of it remains in memory.
  package func encode(to encoder: any Encoder) throws {
    if let json = encoder as? JSONTreeEncoder { return json.encode(secret: self) }
    var container = encoder.singleValueContainer()
    try container.encode(
      bytes.withBytes { text in text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } })
  }
}
