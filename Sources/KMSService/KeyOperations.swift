import Envelope
import Foundation
import KMSAPI
import KMSKeystore
import KMSPolicy

extension CreateKeyRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    try create(in: call, manager: .customer, alias: nil)
  }

  /// Creates the key, and `alias` for it in the same transaction.
  func create(
    in call: OperationCall, manager: KeyManager, alias: String?
  ) throws -> Response {
    let (spec, usage, origin) = try checked()
    let new = NewKey(
      spec: spec, usage: usage, origin: origin, manager: manager,
      description: description ?? "", aliases: alias.map { [$0] } ?? [], tags: tags ?? [],
      policy: try policy.map { text throws(KeyServiceError) in try KeyPolicy(apiText: text) },
      checksLockout: bypassPolicyLockoutSafetyCheck != true)
    let materials = origin == .external ? [] : [try NewKeyVersion(generating: spec)]
    return Response(keyMetadata: try new.insert(materials, in: call))
  }

  private func checked() throws(KeyServiceError) -> (KeySpec, KeyUsage, KeyOrigin) {
    guard multiRegion != true else {
      throw .unsupportedOperation("multi-Region keys are not supported: a keystore is one place")
    }
    guard customKeyStoreID == nil, xksKeyID == nil else {
      throw .unsupportedOperation("custom key stores are not supported")
    }
    let origin = try Self.origin(self.origin)
    guard keySpec == nil || customerMasterKeySpec == nil else {
      throw .validation("KeySpec and CustomerMasterKeySpec are the same: give one of them")
    }
    guard customerMasterKeySpec.map(\.isCustomerMasterKeySpec) ?? true else {
      throw .validation(
        "CustomerMasterKeySpec does not support \(customerMasterKeySpec!.rawValue); use KeySpec")
    }
    let spec = keySpec ?? customerMasterKeySpec ?? .symmetricDefault
    _ = try spec.requireMaterial()
    guard let usage = keyUsage ?? (spec == .symmetricDefault ? .encryptDecrypt : nil) else {
      let usages = spec.keyUsages.map(\.rawValue).joined(separator: " or ")
      throw .validation("a key of the spec \(spec.rawValue) needs a KeyUsage: \(usages)")
    }
    guard spec.keyUsages.contains(usage) else {
      let usages = spec.keyUsages.map(\.rawValue).joined(separator: " or ")
      throw .validation(
        "KeyUsage \(usage.rawValue) does not fit the spec \(spec.rawValue), which is for \(usages)")
    }
    return (spec, usage, origin)
  }

  /// Returns the origin with this name. The API has more origins than a keystore supports. Throws
  /// `unsupportedOperation` for the others.
  private static func origin(_ text: String?) throws(KeyServiceError) -> KeyOrigin {
    guard let text else { return .awsKMS }
    if let origin = KeyOrigin(rawValue: text) { return origin }
    guard ["AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"].contains(text) else {
      throw .validation("Origin must be AWS_KMS or EXTERNAL, not '\(text)'")
    }
    throw .unsupportedOperation("origin \(text) is not supported: there are no custom key stores")
  }
}

/// A key that is not stored yet.
package struct NewKey {
  /// The maximum number of characters of a description.
  static let descriptionLimit = 8192

  static func newID() -> String { UUID().uuidString.lowercased() }

  var id = newID()
  var spec: KeySpec
  var usage: KeyUsage
  var origin: KeyOrigin
  var manager = KeyManager.customer
  var description: String
  var aliases: [String] = []
  var tags: [Tag] = []
  var policy: KeyPolicy?
  /// True if a policy that locks the caller out is refused.
  var checksLockout = true

  /// Stores the key with these versions, numbered from 1. A key without versions waits for an
  /// import.
  func insert(_ materials: [NewKeyVersion], in call: OperationCall) throws -> KeyMetadata {
    let prepared = try prepare(materials, in: call)
    return try call.write { try prepared.store(in: $0, call) }
  }

  /// Does the work that does not need the store to be locked for writing.
  func prepare(_ materials: [NewKeyVersion], in call: OperationCall) throws -> PreparedKey {
    try Self.check(description: description)
    for alias in aliases { try KeyName.validate(alias: alias) }
    try Tag.check(tags)
    try call.authorizeCreation()
    var record = MasterKeyRecord(
      id: id, spec: spec, usage: usage, storedState: materials.isEmpty ? .pendingImport : .enabled,
      origin: origin, manager: manager, description: description, creationDate: call.now,
      currentVersion: Int64(materials.count),
      rotationPeriodInDays: manager == .aws ? EnableKeyRotationRequest.standardPeriod : nil,
      nextRotationDate: manager == .aws
        ? call.now + EnableKeyRotationRequest.standardPeriod * millisecondsPerDay : nil)
    call.touch(id)
    let stored = policy.map { KeyPolicyRecord(keyID: id, policy: $0.text) }
    record.policyDigest = try stored?.digest()
    let keys = try call.service.unlock()
    let sequence = try call.readVerified { try $0.auditSequence() }
    let versions = try materials.enumerated().map { index, material in
      try material.record(
        ofKey: id, version: Int64(index + 1), creationDate: call.now, auditSequence: sequence, keys)
    }
    return PreparedKey(key: self, record: record, policy: stored, versions: versions)
  }

  package static func check(description: String) throws(KeyServiceError) {
    try KeyServiceError.requireNoNUL(description, in: "a description")
    let count = description.unicodeScalars.count
    guard count <= descriptionLimit else {
      throw .validation(
        "a description has at most \(descriptionLimit) characters, this one has \(count)")
    }
  }
}

/// The records of a key that is about to be stored.
struct PreparedKey {
  fileprivate let key: NewKey
  fileprivate let record: MasterKeyRecord
  fileprivate let policy: KeyPolicyRecord?
  fileprivate let versions: [KeyVersionRecord]

  func store(in transaction: KeystoreTransaction, _ call: OperationCall) throws -> KeyMetadata {
    if let old = try transaction.masterKey(key.id) {
      throw old.asOf(call.now) == nil
        ? KeyServiceError.notYetDestroyed(keyID: key.id) : .alreadyExists("key \(key.id)")
    }
    try transaction.insert(record, policy: policy)
    for version in versions { try transaction.insert(version) }
    for tag in key.tags { try tag.store(forKey: key.id, transaction) }
    if key.checksLockout {
      try key.policy?.requireNoLockout(of: call, record: record, .none, in: transaction)
    }
    for alias in key.aliases { try add(alias: alias, in: transaction, call) }
    return KeyMetadata(record, currentKeyMaterialID: versions.last?.materialID)
  }

  /// Throws `alreadyExists` if the alias names another key.
  func add(alias: String, in transaction: KeystoreTransaction, _ call: OperationCall) throws {
    _ = try call.decide(
      KeyServiceOperation.createAlias.rawValue, on: record, .none, in: transaction)
    try CreateAliasRequest.insert(alias, target: key.id, now: call.now, transaction)
  }
}

extension DescribeKeyRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    return try call.read { view in
      Response(keyMetadata: try KeyMetadata(call.admit(keyID, .none, in: view).record, in: view))
    }
  }
}

extension ListKeysRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    let (records, nextMarker, truncated) = try Self.page(
      try Page(limit: limit, marker: marker, standard: 100), in: call)
    return Response(
      keys: records.map { Entry(keyID: $0.id, keyARN: KeyName.arn(ofKey: $0.id)) },
      nextMarker: nextMarker, truncated: truncated)
  }

  static func page(
    _ page: Page, in call: OperationCall
  ) throws -> (items: [MasterKeyRecord], nextMarker: String?, truncated: Bool) {
    let place = try page.after.map { text throws(KeyServiceError) in
      let parts = text.split(separator: " ")
      guard parts.count == 2, let date = Int64(parts[0]) else {
        throw .invalidMarker(page.marker ?? "")
      }
      return (creationDate: date, id: String(parts[1]))
    }
    let records = try call.read {
      try $0.masterKeys(after: place, at: call.now, limit: page.limit + 1)
    }
    return page.cut(records.compactMap { $0.asOf(call.now) }) { "\($0.creationDate) \($0.id)" }
  }
}

extension UpdateKeyDescriptionRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> EmptyResponse {
    try NewKey.check(description: description)
    try call.change(keyID, .none) { record, _ in record.description = description }
    return EmptyResponse()
  }
}

extension EnableKeyRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> EmptyResponse {
    try call.change(keyID, .none) { record, transaction in
      record.state = .enabled
      // A disabled key is not rotated. A rotation that became due in that time is done now.
      if record.isDueForRotation(at: call.now) {
        call.note(try transaction.rotate(&record, .automatic, at: call.now))
      }
    }
    return EmptyResponse()
  }
}

extension DisableKeyRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> EmptyResponse {
    try call.change(keyID, .none) { record, _ in record.state = .disabled }
    return EmptyResponse()
  }
}

extension KeyService {
  /// Carries out CreateKey and CreateAlias in one transaction.
  package func createKey(_ request: CreateKeyRequest, alias: String?) throws -> KeyMetadata {
    try recording(begin(.createKey)) {
      try request.create(in: $0, manager: .customer, alias: alias).keyMetadata
    }
  }

  /// The alias of the key that encrypts if no other key is named.
  package static let defaultAlias = "alias/default"

  static let defaultKeyDescription = "default key that protects files when no other key is named"

  /// Creates the key of `defaultAlias`, which the keystore manages by itself.
  package func createDefaultKey() throws -> KeyMetadata {
    let request = CreateKeyRequest(description: Self.defaultKeyDescription)
    return try recording(begin(.createKey)) {
      try request.create(in: $0, manager: .aws, alias: Self.defaultAlias).keyMetadata
    }
  }

  /// Returns the metadata of all keys, oldest first. It does not include their material IDs.
  package func listKeyMetadata() throws -> [KeyMetadata] {
    let call = begin(.listKeys)
    var metadata: [KeyMetadata] = []
    var marker: String?
    repeat {
      let page = try ListKeysRequest.page(
        try Page(limit: 1000, marker: marker, standard: 1000), in: call)
      metadata += page.items.map { KeyMetadata($0, currentKeyMaterialID: nil) }
      marker = page.nextMarker
    } while marker != nil
    return metadata
  }

  /// Returns the number of keys and the number of aliases.
  package func counts() throws -> (keys: Int, aliases: Int) {
    let call = begin(.listKeys)
    return try call.read { try $0.counts(at: call.now) }
  }
}
