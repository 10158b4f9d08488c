import KMSAPI

/// A place in a template: line and column, both counted from 1. A column counts Unicode scalars.
package struct TemplateMark: Equatable, Comparable, Sendable {
  package let line: Int
  package let column: Int

  static let start = TemplateMark(line: 1, column: 1)

  package static func < (left: Self, right: Self) -> Bool {
    (left.line, left.column) < (right.line, right.column)
  }
}

/// An error in a template or in its input.
package struct TemplateError: Error, Equatable, Sendable {
  package enum Kind: Sendable {
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
    /// The plan is not the one that the user consented to.
    case otherPlan
  }

  package let kind: Kind
  /// Nil if the error is not about a place in the template.
  package let mark: TemplateMark?
  /// One line, in lower case, without a full stop. It may quote the template.
  package let message: String

  init(_ kind: Kind, _ mark: TemplateMark?, _ message: String) {
    self.kind = kind
    self.mark = mark
    self.message = message
  }
}

extension TemplateError: RecordedError {
  /// CloudFormation's name for this error.
  package var name: String {
    kind == .otherPlan ? "InvalidChangeSetStatus" : "ValidationError"
  }
  package var detail: String { String(message.prefix(512)) }
}
