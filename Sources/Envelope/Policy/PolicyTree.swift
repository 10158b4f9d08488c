import Foundation

/// JSON, as far as policies are made of it.
indirect enum PolicyTree: Decodable {
  case object([String: PolicyTree])
  case array([PolicyTree])
  case string(String)
  case number(Double)
  case bool(Bool)
  case null

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([PolicyTree].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: PolicyTree].self))
    }
  }

  /// One string, or several in an array; numbers and truth values as text, which conditions compare.
  var strings: [String]? {
    switch self {
    case .string(let text): return [text]
    case .bool(let value): return ["\(value)"]
    case .number(let value):
      return [value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"]
    case .array(let items):
      var all: [String] = []
      for item in items {
        guard case .array = item else {
          guard let strings = item.strings else { return nil }
          all += strings
          continue
        }
        return nil
      }
      return all
    case .object, .null: return nil
    }
  }
}
