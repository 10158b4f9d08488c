import Envelope

/// The SHA-256 digest of a plan. Two plans have the same digest only if they change the same values
/// of the same keystore, from the same state in the same order.
package struct PlanDigest: Equatable, Sendable {
  /// 64 lower-case hexadecimal digits.
  package let text: String

  /// Returns nil if `text` is not a digest.
  package init?(_ text: String) {
    guard text.wholeMatch(of: /[0-9a-f]{64}/) != nil else { return nil }
    self.text = text
  }

  fileprivate init(of plan: StackPlan) throws {
    let json = try JSONEncoding().text(of: plan)
    text = Hexadecimal.encode(try Digest.sha256.hash(Array(json.utf8)))
  }

  /// Throws `TemplateError` if `plan` has another digest.
  func require(_ plan: StackPlan) throws {
    guard try plan.digest() == self else {
      throw TemplateError(
        .otherPlan, nil,
        "the plan is not the one that was shown: the template, its parameters, the name of "
          + "the stack or the keystore have changed")
    }
  }
}

extension StackPlan {
  /// Returns the digest of all values of the plan, also of those that do not change.
  package func digest() throws -> PlanDigest { try PlanDigest(of: self) }
}

/// The user's consent to a plan.
package enum StackConsent {
  /// Consent to any plan: nobody looked at it.
  case toAnyPlan
  /// Consent to the plan with this digest only.
  case toPlan(PlanDigest)
  /// The closure shows a plan and throws if the user does not consent.
  case asking((StackPlan) throws -> Void)

  /// Asks for consent to `plan` if necessary. Returns the digest of the only plan that may be carried
  /// out; nil if any may.
  func digest(afterShowing plan: @autoclosure () throws -> StackPlan) throws -> PlanDigest? {
    switch self {
    case .toAnyPlan: return nil
    case .toPlan(let digest):
      try digest.require(try plan())
      return digest
    case .asking(let ask):
      let plan = try plan()
      let digest = try plan.digest()
      try ask(plan)
      return digest
    }
  }
}
