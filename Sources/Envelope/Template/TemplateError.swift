/// A place in a template: line and column, both from 1; a column counts Unicode scalars.
public struct TemplateMark: Equatable, Comparable, Sendable {
  public let line: Int
  public let column: Int

  static let start = TemplateMark(line: 1, column: 1)

  public static func < (left: Self, right: Self) -> Bool {
    (left.line, left.column) < (right.line, right.column)
  }
}

/// What is wrong with a template, or with what it was given.
public struct TemplateError: Error, Equatable, Sendable {
  public enum Kind: Sendable {
    /// Not a template at all: no YAML, too long, too deep.
    case malformed
    /// A template that says something it cannot.
    case invalid
    /// What CloudFormation has, and a keystore has not.
    case unsupported
    /// A parameter's value, or the stack's name; what the caller gave.
    case parameter
    /// A change that would need another key in place of the one there is.
    case replacement
    /// An export that other stacks import, and that would go or change; or one that another stack has.
    case exportInUse
    case noStack
  }

  public let kind: Kind
  /// Nil where it is about no place in the template.
  public let mark: TemplateMark?
  /// One line, lower case, without a full stop. It may quote the template.
  public let message: String

  init(_ kind: Kind, _ mark: TemplateMark?, _ message: String) {
    self.kind = kind
    self.mark = mark
    self.message = message
  }
}

extension TemplateError: RecordedError {
  /// CloudFormation's name for it.
  var name: String { "ValidationError" }
  var detail: String { String(message.prefix(512)) }
}
