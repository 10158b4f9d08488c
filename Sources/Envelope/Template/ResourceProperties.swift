/// A resource's properties with their values. What comes to `AWS::NoValue` is not there.
struct ResourceProperties {
  private var values: [String: TemplateValue] = [:]
  /// The properties with names in them of what is not made yet.
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
      throw value.invalid("\(name(property)) is true or false, not '\(scalar.text)'")
    }
    return bool
  }

  func int(_ property: String, _ range: ClosedRange<Int>) throws -> Int? {
    guard let value = values[property] else { return nil }
    let scalar = try value.scalar(name(property))
    guard let int = scalar.int, range.contains(int) else {
      throw value.invalid(
        "\(name(property)) is \(range.lowerBound) to \(range.upperBound), not '\(scalar.text)'")
    }
    return int
  }

  /// One of the values that the KMS API names.
  func name<Name: APIEnumeration>(_ property: String, as type: Name.Type) throws -> Name? {
    guard let text = try text(property) else { return nil }
    guard let name = Name(rawValue: text) else {
      let names = Name.allCases.map(\.rawValue)
      throw error(
        .invalid, property,
        "is one of \(names.joined(separator: ", ")), not '\(text)'"
          + NearestName.hint(text, in: names))
    }
    return name
  }

  func error(_ kind: TemplateError.Kind, _ property: String, _ message: String) -> TemplateError {
    TemplateError(kind, mark(of: property), "\(name(property)) \(message)")
  }

  /// Throws what the KMS API says of the property's value, at its place.
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
