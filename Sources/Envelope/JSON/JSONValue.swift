/// A value in a JSON text.
package struct JSONValue: Sendable {
  let document: JSONDocument
  let index: Int

  package enum Content: Sendable {
    case object(JSONObject)
    case array([JSONValue])
    case string(String)
    case number(JSONNumber)
    case bool(Bool)
    case null
  }

  var node: JSONNode { document.nodes[index] }

  package var position: JSONPosition { node.position }

  package var content: Content {
    switch node.kind {
    case .object: .object(JSONObject(value: self))
    case .array: .array(elements)
    case .string: .string(document.withBytes { JSONString.text(node, $0) })
    case .number:
      .number(
        JSONNumber(
          text: document.withBytes { text in
            text.extracting(node.range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
          }))
    case .true: .bool(true)
    case .false: .bool(false)
    case .null: .null
    }
  }

  /// The elements; nil if the value is not an array.
  package var array: [JSONValue]? { node.kind == .array ? elements : nil }
  /// The object; nil if the value is not an object.
  package var object: JSONObject? { node.kind == .object ? JSONObject(value: self) : nil }
  package var isNull: Bool { node.kind == .null }

  /// The UTF-8 of a string; nil if the value is not a string. Makes no other copy.
  package func secret() -> SecretBytes? {
    guard node.kind == .string else { return nil }
    return document.withBytes { JSONString.secret(node, $0) }
  }

  /// The UTF-8 of a string, and the text of a number, true or false as it is written; nil for any
  /// other value. Makes no other copy.
  package func secretText() -> SecretBytes? {
    switch node.kind {
    case .string: secret()
    case .number, .true, .false:
      document.withBytes { SecretBytes(copying: $0.extracting(node.range)) }
    case .object, .array, .null: nil
    }
  }

  /// The kind of the value, for messages.
  package var kind: String {
    switch node.kind {
    case .string: "a string"
    case .object: "an object"
    case .array: "an array"
    case .true, .false: "true or false"
    case .number: "a number"
    case .null: "null"
    }
  }

  private var elements: [JSONValue] {
    var elements: [JSONValue] = []
    var next = index + 1
    while next < node.next {
      elements.append(JSONValue(document: document, index: next))
      next = Int(document.nodes[next].next)
    }
    return elements
  }
}

/// An object in a JSON text, with its members in the order of the text. No name occurs twice.
package struct JSONObject: Sendable {
  let value: JSONValue

  package struct Member: Sendable {
    package let name: String
    /// The place of the name.
    package let position: JSONPosition
    package let value: JSONValue
  }

  package var isEmpty: Bool { value.node.next == value.index + 1 }

  package var members: [Member] {
    let document = value.document
    return document.withBytes { text in
      var members: [Member] = []
      var index = value.index + 1
      while index < value.node.next {
        let name = document.nodes[index]
        members.append(
          Member(
            name: JSONString.text(name, text), position: name.position,
            value: JSONValue(document: document, index: index + 1)))
        index = Int(document.nodes[index + 1].next)
      }
      return members
    }
  }

  /// The value of a member. Names are compared byte by byte.
  package subscript(name: String) -> JSONValue? {
    var start = value.index + 1
    return member(name, from: &start)
  }

  /// Searches for a member from node `start` to the end, then from the first member on. Members
  /// that are looked up in the order of the text are found at once. Sets `start` to the node after
  /// the member.
  func member(_ name: String, from start: inout Int) -> JSONValue? {
    let document = value.document
    let (first, end) = (value.index + 1, Int(value.node.next))
    var index = start
    let found: Int? = document.withBytes { text in
      while index < end {
        if JSONString.isEqual(document.nodes[index], name, text) { return index }
        index = Int(document.nodes[index + 1].next)
      }
      index = first
      while index < start {
        if JSONString.isEqual(document.nodes[index], name, text) { return index }
        index = Int(document.nodes[index + 1].next)
      }
      return nil
    }
    guard let found else { return nil }
    start = Int(document.nodes[found + 1].next)
    return JSONValue(document: document, index: found + 1)
  }
}

/// A number as written in a JSON text. The user of the number decides which numbers are valid.
package struct JSONNumber: Equatable, Sendable {
  package let text: String

  /// True if the number has no fraction and no exponent.
  package var isInteger: Bool { !text.utf8.contains { ".eE".utf8.contains($0) } }

  /// The integer; nil if the number is not written as an integer or does not fit. `4096.0` and
  /// `4e3` are not integers, as in the AWS CLI.
  package func integer<Integer: FixedWidthInteger>(as type: Integer.Type = Int.self) -> Integer? {
    isInteger ? Integer(text) : nil
  }

  /// The nearest double; nil if the number is out of range.
  package var double: Double? {
    guard let double = Double(text), double.isFinite else { return nil }
    return double
  }
}
