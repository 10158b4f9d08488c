import Foundation
import KMSAPI
import KMSKeystore
import KMSPolicy

extension CreateGrantRequest: HandledRequest {
  /// The maximum number of grants of one key.
  static let limit = 50_000

  package func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    try check()
    let conditions = try call.conditions(nil, conditionValues)
    let constraints = try constraints.map { try $0.storedText() }
    let grant = try call.write { transaction in
      let key = try call.admit(keyID, conditions, in: transaction)
      var record = key.record
      try require(fits: record)
      try requireNoWider(than: key.grants, of: record, in: call)
      if dryRun == true { throw KeyServiceError.dryRun }
      let new = GrantRecord(
        keyID: record.id, id: try GrantName.newID(), name: name, creationDate: call.now,
        granteePrincipal: granteePrincipal, retiringPrincipal: retiringPrincipal,
        operations: GrantOperation.allCases.filter(operations.contains).map(\.rawValue)
          .joined(separator: " "), constraints: constraints)
      let others = try transaction.grants(of: record)
      if let same = others.first(where: new.isRepeated) { return same }
      guard others.count < Self.limit else {
        throw KeyServiceError.limitExceeded("a key has at most \(Self.limit) grants")
      }
      try transaction.insert(new, of: &record)
      try transaction.update(record)
      return new
    }
    return Response(
      grantToken: GrantName(keyID: grant.keyID, grantID: grant.id).token, grantID: grant.id)
  }

  private func check() throws(KeyServiceError) {
    try Self.check(principal: granteePrincipal)
    if let retiringPrincipal {
      try Self.check(principal: retiringPrincipal)
    }
    guard !operations.isEmpty else { throw .validation("Operations is empty") }
    if let name {
      guard name.wholeMatch(of: /[a-zA-Z0-9:\/_-]{1,256}/) != nil else {
        throw .validation(
          "a grant's Name must be 1 to 256 of a-z, A-Z, 0-9, :, /, _ and -, not '\(name)'")
      }
    }
    try constraints?.check()
  }

  /// Throws `invalidARN` unless `principal` is the ARN of a user of this account, or of the
  /// account.
  static func check(principal: String) throws(KeyServiceError) {
    if principal == Account.arn { return }
    guard (try? PolicyPrincipal(arn: principal, isOwner: false)) != nil else {
      throw .invalidARN(principal)
    }
  }

  /// The values of the condition keys about grants.
  private var conditionValues: [PolicyConditionKey: [String]] {
    [
      .grantOperations: operations.map(\.rawValue),
      .granteePrincipal: [granteePrincipal],
      .retiringPrincipal: retiringPrincipal.map { [$0] } ?? [],
      .grantConstraintType: constraints?.encryptionContextEquals != nil
        ? ["EncryptionContextEquals"]
        : constraints?.encryptionContextSubset != nil ? ["EncryptionContextSubset"] : [],
    ]
  }

  private func require(fits record: MasterKeyRecord) throws(KeyServiceError) {
    let possible = GrantOperation.operations(with: record)
    let others = operations.filter { !possible.contains($0) }
    guard others.isEmpty else {
      throw .validation(
        "key \(record.id) is of the spec \(record.spec.rawValue) for \(record.usage.rawValue), "
          + "which does not support \(others.map(\.rawValue).joined(separator: ", "))")
    }
    guard constraints == nil || record.spec == .symmetricDefault else {
      throw .validation(
        "Constraints apply to encryption contexts, which requests with key \(record.id) do not have"
      )
    }
  }

  /// Throws `accessDenied` if the caller may make this grant only because of other grants, and it
  /// would allow more than each of them.
  private func requireNoWider(
    than allowing: [Grant], of record: MasterKeyRecord, in call: OperationCall
  ) throws(KeyServiceError) {
    guard !allowing.isEmpty else { return }
    let wanted = GrantPermissions(operations: Set(operations), constraints: constraints)
    guard allowing.contains(where: { wanted.isNoWider(than: $0.permissions) }) else {
      throw .accessDenied(
        "\(call.service.caller.arn) may not do kms:CreateGrant with key \(record.id): the new grant "
          + "would allow more than grant \(allowing[0].grantID), which allows its creation")
    }
  }
}

extension RetireGrantRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> EmptyResponse {
    let name = try grantName()
    try call.write { transaction in
      let record = try call.resolve(name.keyID, in: transaction)
      call.touch(record.id)
      let grants = try transaction.grants(of: record)
      guard let grant = grants.first(where: { $0.id == name.grantID }) else {
        throw grantToken == nil
          ? KeyServiceError.notFound("grant \(name.grantID)") : .invalidGrantToken
      }
      try call.service.caller.requireKnown(toDo: "kms:RetireGrant with key \(record.id)")
      guard Self.mayRetire(grant, call.service.caller) else {
        throw KeyServiceError.accessDenied(
          "\(call.service.caller.arn) may not do kms:RetireGrant with key \(record.id): grant "
            + "\(grant.id) does not allow it")
      }
      try call.requireNotDenied(Self.operation.rawValue, on: record, .none, in: transaction)
      if dryRun == true { throw KeyServiceError.dryRun }
      try transaction.remove(grant, of: record)
    }
    return EmptyResponse()
  }

  private func grantName() throws(KeyServiceError) -> GrantName {
    switch (grantToken, keyID, grantID) {
    case (let token?, nil, nil): return try GrantName(token: token)
    case (nil, let keyID?, let grantID?):
      try GrantName.check(id: grantID)
      return GrantName(keyID: keyID, grantID: grantID)
    default: throw .validation("RetireGrant takes a GrantToken, or a KeyId and a GrantId")
    }
  }

  private static func mayRetire(_ grant: GrantRecord, _ caller: Caller) -> Bool {
    if caller.isOwner || caller.principal.isNamed(grant.retiringPrincipal) { return true }
    return caller.principal.isNamed(grant.granteePrincipal)
      && grant.operations.split(separator: " ").contains("RetireGrant")
  }
}

extension RevokeGrantRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> EmptyResponse {
    try GrantName.check(id: grantID)
    try call.write { transaction in
      let record = try call.admit(keyID, .none, in: transaction).record
      guard let grant = try transaction.grants(of: record).first(where: { $0.id == grantID })
      else { throw KeyServiceError.notFound("grant \(grantID)") }
      if dryRun == true { throw KeyServiceError.dryRun }
      try transaction.remove(grant, of: record)
    }
    return EmptyResponse()
  }
}

extension GrantRecord {
  /// Returns true if this new grant is the same as `old`: a request with a name was repeated.
  fileprivate func isRepeated(_ old: GrantRecord) -> Bool {
    guard name != nil else { return false }
    var same = self
    same.id = old.id
    same.creationDate = old.creationDate
    return same == old && zip(texts, old.texts).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
  }

  /// The texts whose bytes are compared, because `==` calls some texts with different bytes equal.
  private var texts: [String] { [granteePrincipal, retiringPrincipal ?? "", constraints ?? ""] }
}

extension GrantConstraints {
  /// The maximum number of pairs in a constraint, and of the characters that they have together.
  private static let pairLimit = 8
  private static let lengthLimit = 384

  /// Throws `validation` if a constraint has no pairs, too many pairs, or too many characters.
  func check() throws(KeyServiceError) {
    for (name, pairs) in [
      ("EncryptionContextSubset", encryptionContextSubset),
      ("EncryptionContextEquals", encryptionContextEquals),
    ] {
      guard let pairs else { continue }
      guard (1...Self.pairLimit).contains(pairs.pairs.count) else {
        throw .validation(
          "\(name) must have 1 to \(Self.pairLimit) pairs, not \(pairs.pairs.count)")
      }
      let length = pairs.pairs.reduce(0) {
        $0 + $1.key.unicodeScalars.count + $1.value.unicodeScalars.count
      }
      guard length <= Self.lengthLimit else {
        throw .validation("\(name) has at most \(Self.lengthLimit) characters, not \(length)")
      }
    }
  }
}

extension GrantOperation {
  /// Returns the operations that are possible with the key.
  fileprivate static func operations(with record: MasterKeyRecord) -> Set<GrantOperation> {
    var operations: Set<GrantOperation> = [.createGrant, .retireGrant, .describeKey]
    switch record.usage {
    case .encryptDecrypt:
      operations.formUnion([.encrypt, .decrypt, .reEncryptFrom, .reEncryptTo])
      if record.spec == .symmetricDefault {
        operations.formUnion([
          .generateDataKey, .generateDataKeyWithoutPlaintext, .generateDataKeyPair,
          .generateDataKeyPairWithoutPlaintext,
        ])
      }
    case .signVerify: operations.formUnion([.sign, .verify])
    case .generateVerifyMAC: operations.formUnion([.generateMac, .verifyMac])
    // Such a key also encrypts and decrypts messages.
    case .keyAgreement: operations.formUnion([.deriveSharedSecret, .encrypt, .decrypt])
    }
    if record.spec.isAsymmetric { operations.insert(.getPublicKey) }
    return operations
  }
}
