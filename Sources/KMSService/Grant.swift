import Envelope
import Foundation
import KMSAPI
import KMSKeystore
import KMSPolicy

extension Grant {
  init(_ record: GrantRecord) throws {
    let names = record.operations.split(separator: " ")
    let operations = names.compactMap { GrantOperation(rawValue: String($0)) }
    guard operations.count == names.count else {
      throw KeystoreError.editedRecord("grant \(record.id)")
    }
    self.init(
      keyID: KeyName.arn(ofKey: record.keyID), grantID: record.id, name: record.name,
      creationDate: Date(milliseconds: record.creationDate),
      granteePrincipal: record.granteePrincipal, retiringPrincipal: record.retiringPrincipal,
      issuingAccount: Account.arn, operations: operations,
      constraints: try record.constraints.map { try GrantConstraints(storedText: $0) })
  }

  /// Returns true if the principal is the grantee.
  func isFor(_ principal: PolicyPrincipal) -> Bool {
    principal.isNamed(granteePrincipal)
      || principal.isOwner && granteePrincipal == Account.arn
  }

  var permissions: GrantPermissions {
    GrantPermissions(operations: Set(operations), constraints: constraints)
  }
}

/// The name of a grant in a request.
struct GrantName {
  let keyID: String
  let grantID: String

  /// Returns a new ID: 256 random bits as 64 hexadecimal digits.
  static func newID() throws(CryptoError) -> String {
    Hexadecimal.encode(try Random.bytes(32))
  }

  /// Throws `invalidGrantID` unless the ID has 64 lower-case hexadecimal digits.
  static func check(id: String) throws(KeyServiceError) {
    guard id.utf8.count == 64, id.utf8.allSatisfy("0123456789abcdef".utf8.contains) else {
      throw .invalidGrantID(id)
    }
  }

  /// The GrantToken that CreateGrant returns. Grants take effect at once here, so a token does
  /// nothing but name a grant.
  var token: String {
    String(decoding: Base64.encode(Array("\(keyID) \(grantID)".utf8)), as: UTF8.self)
  }

  init(keyID: String, grantID: String) {
    self.keyID = keyID
    self.grantID = grantID
  }

  /// Parses a token. Throws `invalidGrantToken` if the text is not a token.
  init(token: String) throws(KeyServiceError) {
    guard let bytes = Base64.decode(token.utf8) else { throw .invalidGrantToken }
    let parts = String(decoding: bytes, as: UTF8.self).split(separator: " ")
    guard parts.count == 2 else { throw .invalidGrantToken }
    self.init(keyID: String(parts[0]), grantID: String(parts[1]))
  }
}

extension OperationCall {
  private static let tokenLimit = 10

  /// Throws `invalidGrantToken` unless each token of a request names an existing grant.
  func require(_ tokens: [String]?) throws {
    guard let tokens, !tokens.isEmpty else { return }
    guard tokens.count <= Self.tokenLimit else {
      throw KeyServiceError.validation(
        "a request has at most \(Self.tokenLimit) GrantTokens, this one has \(tokens.count)")
    }
    for token in tokens {
      let name = try GrantName(token: token)
      let isThere = try read { try $0.hasGrant(name.grantID, ofKey: name.keyID) }
      guard isThere else { throw KeyServiceError.invalidGrantToken }
    }
  }

  /// Returns the grants of a key whose grantee is the caller.
  func grantsToCaller(of record: MasterKeyRecord, in view: KeystoreView) throws -> [Grant] {
    if record.grantsDigest == nil { return [] }
    return try view.grants(of: record).map(Grant.init)
      .filter { $0.isFor(service.caller.principal) }
  }
}

extension GrantConstraints {
  /// Returns the text that the keystore stores: JSON with sorted names.
  func storedText() throws -> String {
    var encoding = JSONEncoding()
    encoding.escapes = .slash
    return try encoding.text(of: self)
  }

  init(storedText text: String) throws {
    self = try JSONDecoding().decode(Self.self, from: try JSONDocument(text).root)
  }
}
