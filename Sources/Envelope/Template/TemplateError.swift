/// A place in a template: line and column, both counted from 1. A column counts Unicode scalars.
public struct TemplateMark: Equatable, Comparable, Sendable {
  public let line: Int
  public let column: Int

  static let start = TemplateMark(line: 1, column: 1)

  public static func < (left: Self, right: Self) -> Bool {
    (left.line, left.column) < (right.line, right.column)
  }
}

/// An error in a template or in its input.
public struct TemplateError: Error, Equatable, Sendable {
  public enum Kind: Sendable {
    /// The text is not a template at all: not YAML, too long or nested too deeply.
    case malformed
    /// The template has a statement that is not allowed.
    case invalid
    /// The template uses a feature of CloudFormation that a keystore does not have.
    case unsupported
    /// The caller gave a wrong parameter value or name of a stack.
    case parameter
    /// A change would need another key in the place of an existing one.
    case replacement
    /// An export that other stacks import would be removed or changed, or another stack already has
    /// the export.
    case exportInUse
    case noStack
  }

  public let kind: Kind
  /// Nil if the error is not about a place in the template.
  public let mark: TemplateMark?
  /// One line, in lower case, without a full stop. It may quote the template.
  public let message: String

  init(_ kind: Kind, _ mark: TemplateMark?, _ message: String) {
    self.kind = kind
    self.mark = mark
    self.message = message
  }
}

extension TemplateError: RecordedError {
  /// CloudFormation's name for this error.
  var name: String { "ValidationError" }
  var detail: String { String(message.prefix(512)) }
}
