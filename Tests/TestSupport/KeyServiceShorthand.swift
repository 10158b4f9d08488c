@testable import KMSAPI
@testable import KMSService

extension KeySpec {
  /// One spec of each kind of key that encrypts files.
  static let forFiles: [KeySpec] = [.symmetricDefault, .rsa2048, .eccNISTP256]
}

/// Short forms of the operations.
extension KeyService {
  @discardableResult
  func createKey(
    spec: KeySpec = .symmetricDefault, usage: KeyUsage? = nil, description: String = "",
    origin: KeyOrigin? = nil, alias: String? = nil
  ) throws -> KeyMetadata {
    try createKey(
      CreateKeyRequest(
        keySpec: spec, keyUsage: usage ?? spec.keyUsages.first, description: description,
        origin: origin), alias: alias)
  }

  func describe(_ name: String) throws -> KeyMetadata {
    try perform(DescribeKeyRequest(keyID: name)).keyMetadata
  }

  func listKeys() throws -> [ListKeysRequest.Entry] { try performAll(ListKeysRequest()).keys }

  func listAliases(target: String? = nil) throws -> [AliasListEntry] {
    try performAll(ListAliasesRequest(keyID: target)).aliases
  }

  func createAlias(_ alias: String, target: String) throws {
    try perform(CreateAliasRequest(aliasName: alias, targetKeyID: target))
  }

  func updateAlias(_ alias: String, target: String) throws {
    try perform(UpdateAliasRequest(aliasName: alias, targetKeyID: target))
  }

  func deleteAlias(_ alias: String) throws { try perform(DeleteAliasRequest(aliasName: alias)) }

  func publicKey(_ name: String) throws -> GetPublicKeyRequest.Response {
    try perform(GetPublicKeyRequest(keyID: name))
  }
}
