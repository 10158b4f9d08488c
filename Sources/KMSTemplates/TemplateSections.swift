import Envelope

/// The sections of a template, by name.
struct TemplateSections {
  var description: String?
  var parameters: [TemplateNode.Entry] = []
  var mappings: [TemplateNode.Entry] = []
  var conditions: [TemplateNode.Entry] = []
  var resources: [TemplateNode.Entry] = []
  var outputs: [TemplateNode.Entry] = []

  private static let names = [
    "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions",
    "Resources", "Outputs",
  ]
  private static let unsupported = ["Transform", "Rules", "Hooks"]

  /// The limits are CloudFormation's quotas.
  private static func entries(
    _ section: TemplateNode.Entry, limit: Int
  ) throws -> [TemplateNode.Entry] {
    let entries = try section.value.map(section.key)
    guard entries.count <= limit else {
      throw entries[limit].invalid(
        "a template has at most \(limit) \(section.key), this one has \(entries.count)")
    }
    return entries
  }

  init(_ root: TemplateNode) throws {
    for section in try root.map("a template") {
      let value = section.value
      switch section.key {
      case "AWSTemplateFormatVersion":
        let version = try value.text(section.key)
        guard version == Template.version else {
          throw value.invalid("\(section.key) must be \(Template.version), not '\(version)'")
        }
      case "Description": description = try value.text(section.key)
      case "Metadata": continue
      case "Parameters": parameters = try Self.entries(section, limit: 200)
      case "Mappings": mappings = try Self.entries(section, limit: 200)
      case "Conditions": conditions = try value.map(section.key)
      case "Resources": resources = try Self.entries(section, limit: 500)
      case "Outputs": outputs = try Self.entries(section, limit: 200)
      case let name where Self.unsupported.contains(name):
        throw section.unsupported("the section \(name) is not supported")
      default:
        throw section.invalid(
          "unknown section '\(section.key)'\(NearestName.hint(section.key, in: Self.names))")
      }
    }
    guard !resources.isEmpty else { throw root.invalid("the template has no Resources") }
  }
}
