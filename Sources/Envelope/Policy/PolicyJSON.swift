import Foundation

/// The JSON of a policy. Names are as `JSONKeys` carries them.
enum PolicyJSON: Decodable, Sendable {
  case string(String)
  case object([String: PolicyJSON])
  case array([PolicyJSON])
  case bool(Bool)
  case number(Double)
  case null

  /// A policy nests six levels; more than this is none.
  private static let maximumDepth = 16

  /// Throws `malformed` also where an object has one name twice: which of them counts, JSON leaves
  /// open, and policies may not have it.
  init(parsing text: String) throws(PolicyError) {
    try Self.checkNames(Array(text.utf8))
    do {
      self = try JSONDecoder().decode(PolicyJSON.self, from: JSONKeys.carried(in: text))
    } catch {
      var reason = ""
      if case DecodingError.dataCorrupted(let context) = error,
        let cause = (context.underlyingError as NSError?)?.userInfo["NSDebugDescription"] as? String
      {
        reason = ": \(cause.hasSuffix(".") ? String(cause.dropLast()) : cause)"
      }
      throw .malformed("the document is not JSON\(reason)")
    }
  }

  init(from decoder: any Decoder) throws {
    // Strings are what a policy has most of.
    if let text = try? decoder.singleValueContainer().decode(String.self) {
      self = .string(text)
    } else if let object = try? decoder.container(keyedBy: Name.self) {
      var members: [String: PolicyJSON] = [:]
      for name in object.allKeys {
        members[name.stringValue] = try object.decode(PolicyJSON.self, forKey: name)
      }
      self = .object(members)
    } else if var array = try? decoder.unkeyedContainer() {
      var elements: [PolicyJSON] = []
      while !array.isAtEnd { elements.append(try array.decode(PolicyJSON.self)) }
      self = .array(elements)
    } else {
      let value = try decoder.singleValueContainer()
      if value.decodeNil() {
        self = .null
      } else if let bool = try? value.decode(Bool.self) {
        self = .bool(bool)
      } else {
        self = .number(try value.decode(Double.self))
      }
    }
  }

  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// The value's kind, for messages.
  var kind: String {
    switch self {
    case .string: "a string"
    case .object: "an object"
    case .array: "an array"
    case .bool: "true or false"
    case .number: "a number"
    case .null: "null"
    }
  }

  /// Looks for names that occur twice in one object, and for objects and arrays nested too deep.
  /// What else is wrong with the text, the decoder says.
  private static func checkNames(_ bytes: [UInt8]) throws(PolicyError) {
    /// The names of each object around, nil for an array.
    var open: [Set<[UInt8]>?] = []
    var isName = false
    var line = 1
    var index = 0
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\n"): line += 1
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        guard open.count < maximumDepth else {
          throw .malformed("line \(line): nested deeper than a policy is")
        }
        isName = bytes[index] == UInt8(ascii: "{")
        open.append(isName ? [] : nil)
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        _ = open.popLast()
        isName = false
      case UInt8(ascii: ","): isName = open.last.map { $0 != nil } ?? false
      case UInt8(ascii: "\""):
        let start = index
        index += 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
          index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < bytes.count else { return }
        if isName, let name = string(bytes[start...index]),
          open[open.count - 1]?.insert(Array(name.utf8)).inserted == false
        {
          throw .malformed("line \(line): '\(name)' occurs twice in one object")
        }
        isName = false
      default: break
      }
      index += 1
    }
  }

  private static func string(_ quoted: ArraySlice<UInt8>) -> String? {
    guard quoted.contains(UInt8(ascii: "\\")) else {
      return String(decoding: quoted.dropFirst().dropLast(), as: UTF8.self)
    }
    return try? JSONDecoder().decode(String.self, from: Data(quoted))
  }
}
