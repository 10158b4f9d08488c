import Envelope
import KMSAPI

extension DeriveSharedSecretRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    try RecipientInfo.refuse(recipient)
    let conditions = try call.conditions(
      nil, [.keyAgreementAlgorithm: [keyAgreementAlgorithm.rawValue]])
    let key = try call.usableKey(named: keyID, for: .keyAgreement, conditions)
    let own = try ECPrivateKey(pkcs8: try key.material())
    let other = try otherPublicKey(own)
    if dryRun == true { throw KeyServiceError.dryRun }
    return Response(
      keyID: KeyName.arn(ofKey: key.record.id),
      sharedSecret: SecretBlob(try own.derive(with: other)),
      keyAgreementAlgorithm: keyAgreementAlgorithm, keyOrigin: key.record.origin)
  }

  private func otherPublicKey(_ own: borrowing ECPrivateKey) throws(KeyServiceError) -> ECPublicKey
  {
    let curve = own.curve
    guard let other = try? ECPublicKey(subjectPublicKeyInfo: publicKey.bytes),
      other.curve == curve
    else {
      throw .validation(
        "PublicKey is not a DER SubjectPublicKeyInfo of a point on \(curve.rawValue)")
    }
    return other
  }
}
