import Foundation
import GRDB

@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import KMSTemplates

/// A keystore for one test, with the stacks that templates created in it.
final class TestStacks {
  let keystore: TestKeystore
  var service: KeyService { keystore.service }

  init() throws { keystore = try TestKeystore() }

  func request(
    _ text: String, stack: String = "s", parameters: [String: String] = [:]
  ) throws -> StackRequest {
    StackRequest(
      template: try Template(parsing: Array(text.utf8)), stackName: stack, parameters: parameters)
  }

  @discardableResult
  func apply(
    _ text: String, stack: String = "s", parameters: [String: String] = [:],
    afterOperation: @escaping () throws -> Void = {}
  ) throws -> StackResult {
    try service.applyStack(
      request(text, stack: stack, parameters: parameters), afterOperation: afterOperation)
  }

  func plan(_ text: String, stack: String = "s") throws -> StackPlan {
    try service.planStack(request(text, stack: stack))
  }

  /// Returns "line:column message" of the error that `body` throws.
  func problem(_ body: () throws -> Void) throws -> String {
    do {
      try body()
      return "fine"
    } catch let error as TemplateError {
      return described(error)
    }
  }

  /// Returns the operations in the audit log, each with the error's name if it failed.
  func log() throws -> [String] {
    var lines: [String] = []
    try service.readAuditLog { _, record in
      lines.append(
        record.operation + (record.errorCode.isEmpty ? "" : " \(record.errorCode)"))
    }
    return lines
  }

  /// Returns every row of every table, except the tables that every change updates.
  func contents() throws -> [String] {
    try service.keystore.read { db in
      let tables = try String.fetchAll(
        db, sql: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      // Every change of the keystore updates these, whatever it changes.
      let always = ["auditAnchor", "keystore", "ledger"]
      return try tables.filter { !always.contains($0) }.flatMap { table in
        try Row.fetchAll(db, sql: "SELECT * FROM \(table)")
          .map { "\(table) \($0)" }.sorted()
      }
    }
  }

  func tags(_ key: String) throws -> [String] {
    try service.perform(ListResourceTagsRequest(keyID: key)).tags.map {
      "\($0.tagKey)=\($0.tagValue)"
    }
  }

  func policy(_ key: String) throws -> String {
    try service.perform(GetKeyPolicyRequest(keyID: key)).policy
  }

  /// Opens the same keystore as a user who is not its owner.
  func service(of user: String) throws -> KeyService {
    try keystore.service(of: user)
  }

  func rotation(_ key: String) throws -> Int? {
    let status = try service.perform(GetKeyRotationStatusRequest(keyID: key))
    return status.keyRotationEnabled ? status.rotationPeriodInDays : nil
  }
}
