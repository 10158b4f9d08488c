import Envelope
import Foundation
import KMSAPI
import KMSPolicy

/// A simulated request, to find out what a key's policy decides.
package struct PolicySimulation: Sendable {
  package var keyID: String
  /// The policy that decides instead of the key's own policy.
  package var document: KeyPolicy?
  /// Nil for the caller.
  package var principal: PolicyPrincipal?
  /// For example "kms:Decrypt".
  package var action: String
  package var encryptionContext: EncryptionContext
  /// Condition keys and their values, in addition to what is known about the key. "kms:ViaService"
  /// and similar keys are refused.
  package var conditions: [(name: String, value: String)] = []

  package init(
    keyID: String, document: KeyPolicy? = nil, principal: PolicyPrincipal? = nil, action: String,
    encryptionContext: EncryptionContext = EncryptionContext()
  ) {
    self.keyID = keyID
    self.document = document
    self.principal = principal
    self.action = action
    self.encryptionContext = encryptionContext
  }
}

/// The result of a simulated request.
package struct PolicySimulationResult: Sendable {
  package let explanation: PolicyExplanation
  /// The IDs of the grants that allow the request, if no statement of the policy decides.
  package let grantIDs: [String]

  package var isAllowed: Bool { explanation.decision.isAllowed || !grantIDs.isEmpty }
}

extension KeyService {
  /// Returns what the key's policy would decide, and how each of its statements applies. Throws
  /// `KeyServiceError`, and `PolicyError` for an unknown condition.
  package func simulate(_ simulation: PolicySimulation) throws -> PolicySimulationResult {
    let call = begin(.getKeyPolicy)
    var conditions = RequestConditions.none
    for condition in simulation.conditions {
      try conditions.values.insert(condition.value, as: condition.name)
    }
    return try call.read { view in
      let record = try call.admit(simulation.keyID, conditions, in: view).record
      var request = try call.policyRequest(
        PolicyActions.name(of: simulation.action), on: record, conditions, in: view)
      // `policyRequest` adds the prefix kms:. The name of another service's action replaces it.
      if PolicyActions.isOther(simulation.action) { request.action = simulation.action }
      request.principal = simulation.principal ?? request.principal
      request.context.setEncryptionContext(simulation.encryptionContext)
      let policy = try simulation.document ?? call.policy(of: record, in: view)
      let explanation = policy.explain(request)
      var grants: [Grant] = []
      if explanation.decision == .implicitlyDenied, record.grantsDigest != nil {
        grants = try view.grants(of: record).map(Grant.init)
          .filter { $0.isFor(request.principal) }
          .allowing(request, context: simulation.encryptionContext)
      }
      return PolicySimulationResult(explanation: explanation, grantIDs: grants.map(\.grantID))
    }
  }
}
