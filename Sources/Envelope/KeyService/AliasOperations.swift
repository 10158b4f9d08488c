import Foundation
import GRDB

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
    try call.write { unlocked, db in
      let key = try call.key(named: targetKeyID, db, verifiedBy: unlocked)
      try Self.insert(aliasName, target: key.id, now: call.now, unlocked, db)
    }
    return EmptyResponse()
  }

  static func insert(
    _ name: String, target: String, now: Int64, _ unlocked: UnlockedKeystore, _ db: Database
  ) throws {
    guard try !AliasRecord.exists(db, key: name) else {
      throw KeyServiceError.alreadyExists(name)
    }
    try requireRoom(forAliasOf: target, db)
    try unlocked.insert(
      AliasRecord(name: name, targetKeyID: target, creationDate: now, lastUpdatedDate: now), db)
  }

  static func requireRoom(forAliasOf keyID: String, _ db: Database) throws {
    guard try AliasRecord.filter(Column("targetKeyID") == keyID).fetchCount(db) < limit else {
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
    try call.write { unlocked, db in
      guard var record = try AliasRecord.first(db, where: "name = ?", [aliasName]) else {
        throw KeyServiceError.notFound(aliasName)
      }
      let source = try call.key(
        named: aliasName, db, verifiedBy: unlocked, under: .anyState)
      let target = try call.key(named: targetKeyID, db, verifiedBy: unlocked)
      if target.id != source.id {
        try requireSameKind(source, target)
        try CreateAliasRequest.requireRoom(forAliasOf: target.id, db)
      }
      let listed = record.ledgerName
      record.targetKeyID = target.id
      record.lastUpdatedDate = call.now
      if record.ledgerName != listed { try unlocked.unlist(listed, db) }
      try unlocked.update(record, db)
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
    try call.write { unlocked, db in
      _ = try call.key(named: aliasName, db, verifiedBy: unlocked)
      if let record = try AliasRecord.first(db, where: "name = ?", [aliasName]) {
        try unlocked.delete(record, db)
      }
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
    let records = try call.read { db in
      if let keyID {
        let key = try call.key(named: keyID, db)
        return try AliasRecord.all(
          db, where: "targetKeyID = ? AND name > ? ORDER BY name LIMIT ?",
          [key.id, page.after ?? "", page.limit + 1])
      }
      // Aliases go with their keys.
      return try AliasRecord.all(
        db,
        where: """
          name > ? AND NOT EXISTS (
            SELECT 1 FROM masterKey WHERE id = targetKeyID AND deletionDate <= ?)
          ORDER BY name LIMIT ?
          """, [page.after ?? "", call.now, page.limit + 1])
    }
    let (items, nextMarker, truncated) = page.cut(records) { $0.name }
    return Response(
      aliases: items.map(AliasListEntry.init), nextMarker: nextMarker, truncated: truncated)
  }
}
