package struct GenerateMacRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let mac: Blob
    package let macAlgorithm: MACAlgorithm
    package let keyID: String

    package init(mac: Blob, macAlgorithm: MACAlgorithm, keyID: String) {
      self.mac = mac
      self.macAlgorithm = macAlgorithm
      self.keyID = keyID
    }
  }
  package static let operation = KeyServiceOperation.generateMac

  package var message: Blob
  package var keyID: String
  package var macAlgorithm: MACAlgorithm
  package var grantTokens: [String]?
  package var dryRun: Bool?

  package init(keyID: String, message: Blob, macAlgorithm: MACAlgorithm) {
    self.keyID = keyID
    self.message = message
    self.macAlgorithm = macAlgorithm
  }
}

/// VerifyMac throws an error if the MAC does not verify.
package struct VerifyMacRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String
    package let macValid: Bool
    package let macAlgorithm: MACAlgorithm

    package init(keyID: String, macValid: Bool, macAlgorithm: MACAlgorithm) {
      self.keyID = keyID
      self.macValid = macValid
      self.macAlgorithm = macAlgorithm
    }
  }
  package static let operation = KeyServiceOperation.verifyMac

  package var message: Blob
  package var keyID: String
  package var macAlgorithm: MACAlgorithm
  package var mac: Blob
  package var grantTokens: [String]?
  package var dryRun: Bool?

  package init(keyID: String, message: Blob, macAlgorithm: MACAlgorithm, mac: Blob) {
    self.keyID = keyID
    self.message = message
    self.macAlgorithm = macAlgorithm
    self.mac = mac
  }
}
