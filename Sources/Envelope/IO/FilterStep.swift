/// One step of a filter pattern: what it takes from a path.
enum FilterStep: Equatable, Sendable {
  case byte(UInt8)
  /// Any byte but a slash.
  case anyByte
  case set(ByteSet)
  /// Any bytes but slashes, or none.
  case star
  /// Any bytes, or none.
  case doubleStar
  /// Nothing at all: the pattern is malformed.
  case nothing

  /// The bytes that make a pattern more than plain text. Only then is a backslash special.
  static let wildcards = Array("*?[".utf8)

  var isStar: Bool { self == .star || self == .doubleStar }

  var isPlain: Bool { if case .byte = self { true } else { false } }

  func takes(_ byte: UInt8) -> Bool {
    switch self {
    case .byte(let own): byte == own
    case .anyByte, .star: byte != UInt8(ascii: "/")
    case .set(let set): set.contains(byte)
    case .doubleStar: true
    case .nothing: false
    }
  }

  /// The steps of a pattern with wildcards.
  static func steps(of pattern: ArraySlice<UInt8>) -> [FilterStep] {
    var rest = pattern
    var steps: [FilterStep] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "?"): steps.append(.anyByte)
      case UInt8(ascii: "*"):
        let more = rest.prefix { $0 == byte }
        rest.removeFirst(more.count)
        steps.append(more.isEmpty ? .star : .doubleStar)
      case UInt8(ascii: "["): steps.append(ByteSet(popping: &rest).map { .set($0) } ?? .nothing)
      case UInt8(ascii: "\\"): steps.append(rest.popFirst().map { .byte($0) } ?? .nothing)
      default: steps.append(.byte(byte))
      }
    }
    return steps
  }
}
