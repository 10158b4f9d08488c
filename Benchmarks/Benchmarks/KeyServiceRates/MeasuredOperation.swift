import Envelope
import KMSAPI
import KMSService

/// A measured operation.
enum MeasuredOperation: String, CaseIterable, Sendable {
  case generateDataKey = "GenerateDataKey"
  case decrypt = "Decrypt"
  case describeKey = "DescribeKey"

  /// Both requests have the same encryption context, of a usual length.
  private static let context: EncryptionContext = ["purpose": "benchmark"]

  static func generateDataKey(_ keyID: String) -> GenerateDataKeyRequest {
    GenerateDataKeyRequest(keyID: keyID, encryptionContext: context, keySpec: .aes256)
  }

  /// Performs one request.
  func perform(with sample: FilledKeystore.Sample, by service: KeyService) throws {
    switch self {
    case .generateDataKey: try service.perform(Self.generateDataKey(sample.keyID))
    case .decrypt:
      try service.perform(
        DecryptRequest(ciphertextBlob: sample.wrapped, encryptionContext: Self.context))
    case .describeKey: try service.perform(DescribeKeyRequest(keyID: sample.keyID))
    }
  }
}
