import KMSAPI
import KMSPolicy
import KMSService

/// An `AWS::KMS::Key` of a template.
package struct TemplateKey: Equatable, Sendable {
  /// The properties of a key, with all defaults filled in.
  package struct Properties: Codable, Equatable, Sendable {
    package var description: String
    package var enabled: Bool
    package var enableKeyRotation: Bool
    /// In days; nil if the key is not rotated.
    package var rotationPeriodInDays: Int?
    /// JSON text; nil for the default policy.
    package var keyPolicy: String?
    package var keySpec: KeySpec
    package var keyUsage: KeyUsage
    package var origin: KeyOrigin
    /// The waiting period of a key that is deleted, in days.
    package var pendingWindowInDays: Int
    package var tags: [Tag]
  }

  package let logicalID: String
  package let properties: Properties
  package let bypassPolicyLockoutSafetyCheck: Bool
  package let deletionPolicy: DeletionPolicy
  package let mark: TemplateMark
  /// Probable mistakes in the key policy.
  package let policyWarnings: [PolicyWarning]
  private let marks: [String: TemplateMark]

  /// Returns the place of the property in the template; if the property is absent, the place of the
  /// resource.
  package func mark(of property: String) -> TemplateMark { marks[property] ?? mark }

  init(_ resource: TemplateResource, _ values: ResourceProperties) throws {
    logicalID = resource.logicalID
    deletionPolicy = resource.deletionPolicy
    mark = resource.mark
    marks = resource.type.properties.reduce(into: [:]) { $0[$1] = values[$1]?.mark }
    guard try values.bool("MultiRegion") != true else {
      throw values.error(
        .unsupported, "MultiRegion", "cannot be true: a keystore is one place")
    }
    bypassPolicyLockoutSafetyCheck = try values.bool("BypassPolicyLockoutSafetyCheck") ?? false
    let origin = try Self.origin(values)
    let (spec, usage) = try Self.specAndUsage(values, origin)
    let description = try values.text("Description") ?? ""
    try values.check("Description") { () throws(KeyServiceError) in
      try NewKey.check(description: description)
    }
    let isRotated = try values.bool("EnableKeyRotation") ?? false
    guard !isRotated || spec == .symmetricDefault && origin == .awsKMS else {
      throw values.error(
        .invalid, "EnableKeyRotation",
        "can be true for SYMMETRIC_DEFAULT keys of the origin AWS_KMS only")
    }
    let period = try values.int("RotationPeriodInDays", EnableKeyRotationRequest.periods)
    let policy = try Self.policy(values)
    policyWarnings = policy.document?.warnings() ?? []
    properties = Properties(
      description: description, enabled: try values.bool("Enabled") ?? true,
      enableKeyRotation: isRotated,
      rotationPeriodInDays: isRotated
        ? period ?? Int(EnableKeyRotationRequest.standardPeriod) : nil,
      keyPolicy: policy.text, keySpec: spec, keyUsage: usage, origin: origin,
      pendingWindowInDays: try values.int(
        "PendingWindowInDays", ScheduleKeyDeletionRequest.windows)
        ?? ScheduleKeyDeletionRequest.windows.upperBound,
      tags: try Self.tags(values))
  }

  private static func origin(_ values: ResourceProperties) throws -> KeyOrigin {
    if let text = try values.text("Origin"), ["AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"].contains(text) {
      throw values.error(
        .unsupported, "Origin", "cannot be \(text): there are no custom key stores")
    }
    return try values.name("Origin", as: KeyOrigin.self) ?? .awsKMS
  }

  /// Returns a spec that this libcrypto supports, and a usage that fits the spec.
  private static func specAndUsage(
    _ values: ResourceProperties, _ origin: KeyOrigin
  ) throws -> (KeySpec, KeyUsage) {
    let spec = try values.name("KeySpec", as: KeySpec.self) ?? .symmetricDefault
    _ = try values.check("KeySpec") { () throws(KeyServiceError) in try spec.requireMaterial() }
    let usages = spec.keyUsages.map(\.rawValue).joined(separator: " or ")
    // This is CloudFormation's default for every spec.
    let usage = try values.name("KeyUsage", as: KeyUsage.self) ?? .encryptDecrypt
    guard spec.keyUsages.contains(usage) else {
      throw values.error(
        .invalid, values["KeyUsage"] == nil ? "KeySpec" : "KeyUsage",
        "does not fit: \(spec.rawValue) is for \(usages), not \(usage.rawValue)")
    }
    return (spec, usage)
  }

  /// Returns the text of the policy, and the parsed policy. Does not parse a policy that refers to
  /// resources that are not created yet.
  private static func policy(
    _ values: ResourceProperties
  ) throws -> (text: String?, document: KeyPolicy?) {
    guard let value = values["KeyPolicy"] else { return (nil, nil) }
    let what = values.name("KeyPolicy")
    let text: String
    if case .scalar(let scalar) = value.content {
      // CloudFormation also accepts JSON in a string.
      text = scalar.text
    } else {
      _ = try value.map(what)
      text = try value.json(what, limit: KeyPolicy.maximumLength)
    }
    if values.isPending("KeyPolicy") { return (text, nil) }
    do throws(PolicyError) {
      return (text, try KeyPolicy(parsing: text))
    } catch {
      switch error {
      case .malformed(let reason), .limitExceeded(let reason):
        throw TemplateError(.invalid, value.mark(ofPolicyError: reason), "\(what): \(reason)")
      case .unsupported(let reason):
        throw TemplateError(.unsupported, value.mark(ofPolicyError: reason), "\(what): \(reason)")
      }
    }
  }

  private static func tags(_ values: ResourceProperties) throws -> [Tag] {
    guard let value = values["Tags"] else { return [] }
    let what = values.name("Tags")
    let tags = try value.list(what).map { item in
      var key: String?
      var text: String?
      for entry in try item.map("an item of \(what)") {
        switch entry.key {
        case "Key": key = try entry.value.text("Key of a tag")
        case "Value": text = try entry.value.text("Value of a tag")
        default:
          throw TemplateError(.invalid, entry.mark, "a tag has Key and Value, not '\(entry.key)'")
        }
      }
      guard let key, let text else { throw item.invalid("a tag has Key and Value") }
      return Tag(tagKey: key, tagValue: text)
    }
    try values.check("Tags") { () throws(KeyServiceError) in try Tag.check(tags) }
    guard tags.count <= Tag.limit else {
      throw value.invalid("\(what): a key has at most \(Tag.limit) tags, not \(tags.count)")
    }
    return tags
  }
}
