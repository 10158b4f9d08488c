/// A place in a JSON text: line and column, both counted from 1. Columns count Unicode scalars.
package struct JSONPosition: Equatable, Sendable {
  package let line: Int
  package let column: Int
}

/// The path from the outermost value to an inner one: names of members and indexes of elements.
package struct JSONPath: Equatable, Sendable {
  package enum Step: Equatable, Sendable {
    case member(String)
    /// Counted from 0.
    case element(Int)
  }

  package var steps: [Step] = []
}

extension JSONPath: CustomStringConvertible {
  /// The path as text, for example `Tags[0].TagKey`, with long names shortened. Empty for the
  /// outermost value.
  package var description: String {
    var text = ""
    for step in steps {
      switch step {
      case .member(let name): text += (text.isEmpty ? "" : ".") + name.shortened
      case .element(let index): text += "[\(index)]"
      }
    }
    return text
  }
}

/// An error in a JSON text, with its place.
package struct JSONError: Error, Equatable, Sendable {
  package enum Problem: Equatable, Sendable {
    /// The text breaks the grammar of RFC 8259, or is not UTF-8.
    case malformed(String)
    case duplicateName(String)
    /// Objects and arrays are nested deeper than this limit.
    case tooDeep(Int)
    /// The text has more values and names than this limit.
    case tooManyValues(Int)
  }

  package let problem: Problem
  package let position: JSONPosition
  /// The path of the value that contains the place.
  package let path: JSONPath

  /// The problem without its place. Quotes no part of the text except the beginning of a name.
  package var reason: String {
    switch problem {
    case .malformed(let reason): reason
    case .duplicateName(let name): "'\(name.shortened)' occurs twice in one object"
    case .tooDeep(let limit): "objects and arrays are nested more than \(limit) levels deep"
    case .tooManyValues(let limit): "more than \(limit) values and names"
    }
  }

  /// True if the text is not JSON at all.
  package var isMalformed: Bool { if case .malformed = problem { true } else { false } }
}

extension JSONError {
  /// The description for a user who may not know that JSON is expected.
  package var explanation: String { (isMalformed ? "it is not JSON: " : "") + description }
}

extension JSONError: CustomStringConvertible {
  /// The error as text, for example `line 3, column 7: Tags[0]: expected ':'`.
  package var description: String {
    let path = path.description
    return "line \(position.line), column \(position.column): "
      + (path.isEmpty ? "" : "\(path): ") + reason
  }
}
