import Foundation
import KMSAPI
import KMSKeystore

extension CreateAliasRequest: HandledRequest {
  /// The maximum number of aliases of one key.
  static let limit = 50

  package func perform(in call: OperationCall) throws -> EmptyResponse {
    try KeyName.validate(alias: aliasName)
    try call.write { transaction in
      let key = try call.admit(targetKeyID, .none, in: transaction).record
      try Self.insert(aliasName, target: key.id, now: call.now, transaction)
    }
    return EmptyResponse()
  }

  static func insert(
    _ name: String, target: String, now: Int64, _ transaction: KeystoreTransaction
  ) throws {
    if let old = try transaction.alias(named: name) {
      // If the alias's key is past its deletion date, the name is free, even if the key is not
      // destroyed yet.
      guard let key = try transaction.masterKey(old.targetKeyID), key.asOf(now) == nil else {
        throw KeyServiceError.alreadyExists(name)
      }
      try transaction.delete(old)
    }
    try requireRoom(forAliasOf: target, transaction)
    try transaction.insert(
      AliasRecord(name: name, targetKeyID: target, creationDate: now, lastUpdatedDate: now))
  }

  static func requireRoom(forAliasOf keyID: String, _ view: KeystoreView) throws {
    guard try view.aliasCount(ofKey: keyID) < limit else {
      throw KeyServiceError.limitExceeded("a key has at most \(limit) aliases")
    }
  }
}

extension UpdateAliasRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> EmptyResponse {
    try KeyName.validate(alias: aliasName)
    try call.write { transaction in
      guard let alias = try transaction.alias(named: aliasName) else {
        throw KeyServiceError.notFound(aliasName)
      }
      let source = try call.admit(aliasName, .none, in: transaction, under: .anyState).record
      let target = try call.admit(targetKeyID, .none, in: transaction).record
      if target.id != source.id {
        try requireSameKind(source, target)
        try CreateAliasRequest.requireRoom(forAliasOf: target.id, transaction)
      }
      try transaction.move(alias, to: target.id, at: call.now)
    }
    return EmptyResponse()
  }
}

extension UpdateAliasRequest {
  /// Throws `validation` unless both keys are symmetric, asymmetric or HMAC keys and have the same
  /// usage. KMS requires this so that programs which use the alias continue to work.
  private func requireSameKind(
    _ source: MasterKeyRecord, _ target: MasterKeyRecord
  ) throws(KeyServiceError) {
    guard source.spec.isAsymmetric == target.spec.isAsymmetric, source.usage == target.usage
    else {
      throw .validation(
        "\(aliasName) stands for a key of the spec \(source.spec.rawValue) for "
          + "\(source.usage.rawValue), and cannot be changed to a key of the spec "
          + "\(target.spec.rawValue) for \(target.usage.rawValue); "
          + "delete the alias and create it again")
    }
  }
}

extension DeleteAliasRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> EmptyResponse {
    try KeyName.validate(alias: aliasName)
    try call.write { transaction in
      _ = try call.admit(aliasName, .none, in: transaction)
      if let record = try transaction.alias(named: aliasName) { try transaction.delete(record) }
    }
    return EmptyResponse()
  }
}

extension ListAliasesRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    let page = try Page(limit: limit, marker: marker, standard: 50)
    let records = try call.read { view in
      let key = try keyID.map { try call.admit($0, .none, in: view).record }
      return try view.aliases(
        after: page.after ?? "", ofKey: key?.id, at: call.now, limit: page.limit + 1)
    }
    let (items, nextMarker, truncated) = page.cut(records) { $0.name }
    return Response(
      aliases: items.map(AliasListEntry.init), nextMarker: nextMarker, truncated: truncated)
  }
}

extension AliasListEntry {
  init(_ record: AliasRecord) {
    self.init(
      aliasName: record.name, targetKeyID: record.targetKeyID,
      creationDate: Date(milliseconds: record.creationDate),
      lastUpdatedDate: Date(milliseconds: record.lastUpdatedDate))
  }
}
