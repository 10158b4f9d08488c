import Foundation

/// An alias and the key it stands for.
public struct AliasListEntry: Codable, Equatable, Sendable {
  public let aliasName: String
  public let aliasARN: String
  public let targetKeyID: String
  public let creationDate: Date
  public let lastUpdatedDate: Date

  init(_ record: AliasRecord) {
    aliasName = record.name
    aliasARN = KeyName.arn(ofAlias: record.name)
    targetKeyID = record.targetKeyID
    creationDate = Date(milliseconds: record.creationDate)
    lastUpdatedDate = Date(milliseconds: record.lastUpdatedDate)
  }
}

/// CreateAlias.
public struct CreateAliasRequest: KeyServiceRequest {
  public typealias Response = EmptyResponse
  public static let operation = KeyServiceOperation.createAlias
  /// The most aliases of one key.
  static let limit = 50

  public var aliasName: String
  public var targetKeyID: String

  public init(aliasName: String, targetKeyID: String) {
    self.aliasName = aliasName
    self.targetKeyID = targetKeyID
  }

  public func perform(in call: OperationCall) throws -> EmptyResponse {
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
      // It counts as gone with its key, whether that is destroyed yet or not.
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

/// UpdateAlias: the alias stands for another key. The policies of both keys are asked. The key it stood for may be
/// in any state.
public struct UpdateAliasRequest: KeyServiceRequest {
  public typealias Response = EmptyResponse
  public static let operation = KeyServiceOperation.updateAlias

  public var aliasName: String
  public var targetKeyID: String

  public init(aliasName: String, targetKeyID: String) {
    self.aliasName = aliasName
    self.targetKeyID = targetKeyID
  }

  public func perform(in call: OperationCall) throws -> EmptyResponse {
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
  /// What uses the alias goes on working, as KMS has it: both keys are symmetric, asymmetric or HMAC
  /// keys, and for the same usage.
  private func requireSameKind(
    _ source: MasterKeyRecord, _ target: MasterKeyRecord
  ) throws(KeyServiceError) {
    guard source.spec.isAsymmetric == target.spec.isAsymmetric, source.usage == target.usage
    else {
      throw .validation(
        "\(aliasName) stands for a \(source.spec.rawValue) key for \(source.usage.rawValue), and "
          + "cannot come to stand for a \(target.spec.rawValue) key for \(target.usage.rawValue); "
          + "delete the alias and create it anew")
    }
  }
}

/// DeleteAlias. The key stays.
public struct DeleteAliasRequest: KeyServiceRequest {
  public typealias Response = EmptyResponse
  public static let operation = KeyServiceOperation.deleteAlias

  public var aliasName: String

  public init(aliasName: String) { self.aliasName = aliasName }

  public func perform(in call: OperationCall) throws -> EmptyResponse {
    try KeyName.validate(alias: aliasName)
    try call.write { transaction in
      _ = try call.admit(aliasName, .none, in: transaction)
      if let record = try transaction.alias(named: aliasName) { try transaction.delete(record) }
    }
    return EmptyResponse()
  }
}

/// ListAliases, by name; those of one key where `keyID` names it.
public struct ListAliasesRequest: PagedRequest {
  public struct Response: PagedResponse, Codable, Sendable {
    public private(set) var aliases: [AliasListEntry]
    public var nextMarker: String?
    public var truncated: Bool?

    public mutating func append(_ next: Self) { aliases += next.aliases }
  }
  public static let operation = KeyServiceOperation.listAliases

  public var keyID: String?
  public var limit: Int?
  public var marker: String?

  public init(keyID: String? = nil, limit: Int? = nil, marker: String? = nil) {
    self.keyID = keyID
    self.limit = limit
    self.marker = marker
  }

  public func perform(in call: OperationCall) throws -> Response {
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
