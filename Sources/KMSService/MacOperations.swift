import Envelope
import KMSAPI

extension GenerateMacRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    let key = try call.usableMACKey(named: keyID, algorithm: macAlgorithm, message: message)
    if dryRun == true { throw KeyServiceError.dryRun }
    let code = try HMAC.authenticate(
      message.bytes.span.bytes, with: macAlgorithm.digest, under: try key.material())
    return Response(
      mac: Blob(code), macAlgorithm: macAlgorithm, keyID: KeyName.arn(ofKey: key.record.id))
  }
}

extension VerifyMacRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
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
