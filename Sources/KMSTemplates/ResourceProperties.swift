import Envelope
import KMSAPI

/// The properties of a resource with their values. A property whose value is `AWS::NoValue` is left
/// out.
struct ResourceProperties {
  private var values: [String: TemplateValue] = [:]
  /// The properties whose values refer to resources that are not created yet.
  private let pending: Set<String>
  private let what: String
  let mark: TemplateMark

  init(_ resource: TemplateResource, _ evaluation: Evaluation) throws {
    what = "'\(resource.logicalID)'"
    mark = resource.mark
    pending = Set(resource.properties.filter { evaluation.isPending($0.value) }.map(\.key))
    for entry in resource.properties {
      values[entry.key] = try evaluation.value(entry.value)
    }
  }

  subscript(name: String) -> TemplateValue? { values[name] }

  func isPending(_ name: String) -> Bool { pending.contains(name) }

  func mark(of name: String) -> TemplateMark { values[name]?.mark ?? mark }

  func name(_ property: String) -> String { "\(property) of \(what)" }

  func text(_ property: String) throws -> String? {
    try values[property]?.text(name(property))
  }

  func bool(_ property: String) throws -> Bool? {
    guard let value = values[property] else { return nil }
    let scalar = try value.scalar(name(property))
    guard let bool = scalar.bool else {
      throw value.invalid("\(name(property)) must be true or false, not '\(scalar.text)'")
    }
    return bool
  }

  func int(_ property: String, _ range: ClosedRange<Int>) throws -> Int? {
    guard let value = values[property] else { return nil }
    let scalar = try value.scalar(name(property))
    guard let int = scalar.int, range.contains(int) else {
      throw value.invalid(
        "\(name(property)) must be \(range.lowerBound) to \(range.upperBound), not '\(scalar.text)'"
      )
    }
    return int
  }

  /// Returns a value that must be one of the KMS API's enumeration `type`.
  func name<Name: APIEnumeration>(_ property: String, as type: Name.Type) throws -> Name? {
    guard let text = try text(property) else { return nil }
    guard let name = Name(rawValue: text) else {
      let names = Name.allCases.map(\.rawValue)
      throw error(
        .invalid, property,
        "must be one of \(names.joined(separator: ", ")), not '\(text)'"
          + NearestName.hint(text, in: names))
    }
    return name
  }

  func error(_ kind: TemplateError.Kind, _ property: String, _ message: String) -> TemplateError {
    TemplateError(kind, mark(of: property), "\(name(property)) \(message)")
  }

  /// Runs a check of the KMS API. Rethrows its errors as a `TemplateError` at the place of the
  /// property.
  func check<Result>(
    _ property: String, _ body: () throws(KeyServiceError) -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch KeyServiceError.validation(let message), KeyServiceError.tag(let message) {
      throw TemplateError(.invalid, mark(of: property), "\(name(property)): \(message)")
    } catch KeyServiceError.unsupportedOperation(let message) {
      throw TemplateError(.unsupported, mark(of: property), "\(name(property)): \(message)")
    }
  }
}
