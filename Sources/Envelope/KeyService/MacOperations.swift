/// GenerateMac.
public struct GenerateMacRequest: KeyServiceRequest {
  public struct Response: Codable, Sendable {
    public let mac: Blob
    public let macAlgorithm: MACAlgorithm
    public let keyID: String
  }
  public static let operation = KeyServiceOperation.generateMac

  public var message: Blob
  public var keyID: String
  public var macAlgorithm: MACAlgorithm
  public var grantTokens: [String]?
  public var dryRun: Bool?

  public init(keyID: String, message: Blob, macAlgorithm: MACAlgorithm) {
    self.keyID = keyID
    self.message = message
    self.macAlgorithm = macAlgorithm
  }

  public func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    let key = try call.usableMACKey(named: keyID, algorithm: macAlgorithm, message: message)
    if dryRun == true { throw KeyServiceError.dryRun }
    let code = try HMAC.authenticate(
      message.bytes.span.bytes, with: macAlgorithm.digest, under: try key.material())
    return Response(
      mac: Blob(code), macAlgorithm: macAlgorithm, keyID: KeyName.arn(ofKey: key.record.id))
  }
}

/// VerifyMac. A MAC that does not verify is an error.
public struct VerifyMacRequest: KeyServiceRequest {
  public struct Response: Codable, Sendable {
    public let keyID: String
    public let macValid: Bool
    public let macAlgorithm: MACAlgorithm
  }
  public static let operation = KeyServiceOperation.verifyMac

  public var message: Blob
  public var keyID: String
  public var macAlgorithm: MACAlgorithm
  public var mac: Blob
  public var grantTokens: [String]?
  public var dryRun: Bool?

  public init(keyID: String, message: Blob, macAlgorithm: MACAlgorithm, mac: Blob) {
    self.keyID = keyID
    self.message = message
    self.macAlgorithm = macAlgorithm
    self.mac = mac
  }

  public func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    let key = try call.usableMACKey(named: keyID, algorithm: macAlgorithm, message: message)
    if dryRun == true { throw KeyServiceError.dryRun }
    guard
      try HMAC.verify(
        mac.bytes, of: message.bytes.span.bytes, with: macAlgorithm.digest,
        under: try key.material())
    else { throw KeyServiceError.invalidMAC }
    return Response(
      keyID: KeyName.arn(ofKey: key.record.id), macValid: true, macAlgorithm: macAlgorithm)
  }
}

extension OperationCall {
  fileprivate func usableMACKey(
    named name: String, algorithm: MACAlgorithm, message: Blob
  ) throws -> UsableKey {
    try MessageLength.check(message)
    let conditions = try conditions(nil, [.macAlgorithm: [algorithm.rawValue]])
    let key = try usableKey(named: name, for: .generateVerifyMAC, conditions)
    try key.record.requireAlgorithm(
      algorithm.rawValue,
      among: key.record.spec.macAlgorithms(for: key.record.usage)?.map(\.rawValue))
    return key
  }
}
