/// A reader that checks a JSON text (RFC 8259) in one pass and makes the index of its values.
struct JSONReader {
  private(set) var nodes: [JSONNode] = []
  private let limits: JSONLimits
  private var offset = 0
  private var line = 1
  /// The offset of the first byte of the line, plus the number of UTF-8 continuation bytes of the
  /// line so far, so that columns count characters.
  private var columnBase = 0
  /// The open objects and arrays, outermost first.
  private var open: [Open] = []

  private struct Open {
    /// The index of its node.
    let index: Int
    /// The index of the node of the name of the current member; nil between members and in an
    /// array.
    var name: Int?
    /// The index of the current element; nil in an object.
    var count: Int?
  }

  init(_ limits: JSONLimits) { self.limits = limits }

  mutating func read(_ text: RawSpan) throws(JSONError) {
    guard text.byteCount <= Int(Int32.max) else {
      throw failure(.malformed("the text is longer than 2 GiB"), text)
    }
    if limits.allowsByteOrderMark, text.begins(with: 0xEF, 0xBB, 0xBF) {
      offset = 3
      columnBase = 3
    }
    try value(text)
    skipSpace(text)
    guard offset == text.byteCount else { throw expected("the end of the text", text) }
  }

  // MARK: Values

  private mutating func value(_ text: RawSpan) throws(JSONError) {
    skipSpace(text)
    switch text.byte(at: offset) {
    case UInt8(ascii: "{"): try object(text)
    case UInt8(ascii: "["): try array(text)
    case UInt8(ascii: "\""): try string(text)
    case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?: try number(text)
    case UInt8(ascii: "t"): try word("true", .true, text)
    case UInt8(ascii: "f"): try word("false", .false, text)
    case UInt8(ascii: "n"): try word("null", .null, text)
    default: throw expected("a value", text)
    }
  }

  private mutating func object(_ text: RawSpan) throws(JSONError) {
    let index = try enter(.object, text)
    skipSpace(text)
    if text.byte(at: offset) != UInt8(ascii: "}") {
      while true {
        skipSpace(text)
        guard text.byte(at: offset) == UInt8(ascii: "\"") else {
          throw expected("a name in double quotes", text)
        }
        let name = nodes.count
        try string(text)
        open[open.count - 1].name = name
        skipSpace(text)
        guard text.byte(at: offset) == UInt8(ascii: ":") else { throw expected("':'", text) }
        offset += 1
        try value(text)
        open[open.count - 1].name = nil
        skipSpace(text)
        if text.byte(at: offset) == UInt8(ascii: "}") { break }
        guard text.byte(at: offset) == UInt8(ascii: ",") else {
          throw expected("',' or '}'", text)
        }
        offset += 1
      }
    }
    if let name = JSONNames.firstDuplicate(in: nodes[(index + 1)...], text) {
      throw JSONError(
        problem: .duplicateName(JSONString.text(nodes[name], text)),
        position: nodes[name].position, path: path(text))
    }
    leave(index)
  }

  private mutating func array(_ text: RawSpan) throws(JSONError) {
    let index = try enter(.array, text)
    open[open.count - 1].count = 0
    skipSpace(text)
    if text.byte(at: offset) != UInt8(ascii: "]") {
      while true {
        try value(text)
        skipSpace(text)
        if text.byte(at: offset) == UInt8(ascii: "]") { break }
        guard text.byte(at: offset) == UInt8(ascii: ",") else {
          throw expected("',' or ']'", text)
        }
        offset += 1
        open[open.count - 1].count! += 1
      }
    }
    leave(index)
  }

  private mutating func enter(_ kind: JSONNode.Kind, _ text: RawSpan) throws(JSONError) -> Int {
    guard open.count < limits.depth else { throw failure(.tooDeep(limits.depth), text) }
    let index = nodes.count
    try add(kind, text)
    open.append(Open(index: index))
    offset += 1
    return index
  }

  private mutating func leave(_ index: Int) {
    offset += 1
    finish(index)
    open.removeLast()
  }

  private mutating func string(_ text: RawSpan) throws(JSONError) {
    let index = nodes.count
    try add(.string, text, skipping: 1)
    offset += 1
    while true {
      switch text.byte(at: offset) {
      case UInt8(ascii: "\""):
        finish(index)
        offset += 1
        return
      case UInt8(ascii: "\\"):
        nodes[index].hasEscapes = true
        guard let escape = JSONString.escape(at: offset, text) else { throw badEscape(text) }
        offset += escape.length
      case (0..<0x20)?:
        throw failure(.malformed("a control character in a string must be escaped"), text)
      case (0x80...)?:
        guard let length = JSONString.characterLength(at: offset, text) else {
          throw failure(.malformed("invalid UTF-8"), text)
        }
        offset += length
        columnBase += length - 1
      case nil: throw expected("'\"'", text)
      default: offset += 1
      }
    }
  }

  /// number = [ "-" ] int [ frac ] [ exp ]
  private mutating func number(_ text: RawSpan) throws(JSONError) {
    let index = nodes.count
    try add(.number, text)
    if text.byte(at: offset) == UInt8(ascii: "-") { offset += 1 }
    if text.byte(at: offset) == UInt8(ascii: "0") {
      offset += 1
      if text.digit(at: offset) {
        throw failure(.malformed("a number must not have leading zeros"), text)
      }
    } else {
      try digits(text)
    }
    if text.byte(at: offset) == UInt8(ascii: ".") {
      offset += 1
      try digits(text)
    }
    if let byte = text.byte(at: offset), byte | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if let sign = text.byte(at: offset), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
        offset += 1
      }
      try digits(text)
    }
    finish(index)
  }

  private mutating func digits(_ text: RawSpan) throws(JSONError) {
    guard text.digit(at: offset) else { throw expected("a digit", text) }
    while text.digit(at: offset) { offset += 1 }
  }

  private mutating func word(
    _ word: StaticString, _ kind: JSONNode.Kind, _ text: RawSpan
  ) throws(JSONError) {
    let index = nodes.count
    try add(kind, text)
    let start = offset
    let isThere = word.withUTF8Buffer { word in
      word.indices.allSatisfy { text.byte(at: start + $0) == word[$0] }
    }
    guard isThere else { throw expected("a value", text) }
    offset += word.utf8CodeUnitCount
    finish(index)
  }

  private mutating func add(
    _ kind: JSONNode.Kind, _ text: RawSpan, skipping quote: Int = 0
  ) throws(JSONError) {
    guard nodes.count < limits.values else { throw failure(.tooManyValues(limits.values), text) }
    let start = UInt32(offset + quote)
    nodes.append(
      JSONNode(
        kind: kind, start: start, end: start, next: UInt32(nodes.count + 1), line: UInt32(line),
        column: UInt32(offset - columnBase + 1)))
  }

  /// Ends a value at the current offset. The nodes added so far are its content.
  private mutating func finish(_ index: Int) {
    nodes[index].end = UInt32(offset)
    nodes[index].next = UInt32(nodes.count)
  }

  private mutating func skipSpace(_ text: RawSpan) {
    while let byte = text.byte(at: offset) {
      switch byte {
      case UInt8(ascii: "\n"):
        offset += 1
        line += 1
        columnBase = offset
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): offset += 1
      default: return
      }
    }
  }

  // MARK: Errors

  private func expected(_ what: String, _ text: RawSpan) -> JSONError {
    let isAtEnd = offset >= text.byteCount
    return failure(.malformed("expected \(what)\(isAtEnd ? ", found the end" : "")"), text)
  }

  private func badEscape(_ text: RawSpan) -> JSONError {
    let isSurrogate = JSONString.unit(at: offset, text).map { (0xD800...0xDFFF).contains($0) }
    return failure(
      .malformed(
        isSurrogate ?? false ? "unpaired surrogate" : "unknown escape sequence"), text)
  }

  private func failure(_ problem: JSONError.Problem, _ text: RawSpan) -> JSONError {
    JSONError(
      problem: problem, position: JSONPosition(line: line, column: offset - columnBase + 1),
      path: path(text))
  }

  private func path(_ text: RawSpan) -> JSONPath {
    JSONPath(
      steps: open.compactMap { open in
        open.count.map { .element($0) }
          ?? open.name.map { .member(JSONString.text(nodes[$0], text)) }
      })
  }
}

extension RawSpan {
  /// The byte at `offset`; nil at the end.
  @inline(__always)
  func byte(at offset: Int) -> UInt8? {
    offset < byteCount ? unsafeLoad(fromByteOffset: offset, as: UInt8.self) : nil
  }

  @inline(__always)
  fileprivate func digit(at offset: Int) -> Bool {
    guard let byte = byte(at: offset) else { return false }
    return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  fileprivate func begins(with bytes: UInt8...) -> Bool {
    bytes.indices.allSatisfy { byte(at: $0) == bytes[$0] }
  }
}
