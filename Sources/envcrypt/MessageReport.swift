import Envelope
import KMSService
import SystemPackage

/// The report of `inspect` on one message. The header's fields have no counterpart in the KMS API;
/// their names follow its style.
struct MessageReport: Encodable {
  struct Suite: Encodable {
    let id: String
    let name: String

    enum CodingKeys: String, CodingKey {
      case id = "Id"
      case name = "Name"
    }
  }

  struct WrappedKey: Encodable {
    let providerID: String
    let keyName: String
    let keyID: String?
    let version: Int?
    let aliases: [String]?

    enum CodingKeys: String, CodingKey {
      case providerID = "ProviderId"
      case keyName = "KeyName"
      case keyID = "KeyId"
      case version = "KeyVersion"
      case aliases = "Aliases"
    }
  }

  let file: String
  let formatVersion: Int
  let suite: Suite
  let messageID: String
  let encryptionContext: EncryptionContext
  let encryptedDataKeys: [WrappedKey]
  let contentType: String
  let frameLength: Int?
  let frameCount: Int64?
  let plaintextSize: Int64?
  let isSigned: Bool
  let isCommitted: Bool
  let isArmored: Bool
  let headerLength: Int

  enum CodingKeys: String, CodingKey {
    case file = "File"
    case formatVersion = "FormatVersion"
    case suite = "AlgorithmSuite"
    case messageID = "MessageId"
    case encryptionContext = "EncryptionContext"
    case encryptedDataKeys = "EncryptedDataKeys"
    case contentType = "ContentType"
    case frameLength = "FrameLength"
    case frameCount = "FrameCount"
    case plaintextSize = "PlaintextSize"
    case isSigned = "Signed"
    case isCommitted = "Committed"
    case isArmored = "Armored"
    case headerLength = "HeaderLength"
  }

  init(
    file: FilePath, _ inspection: MessageInspection,
    identify: (EncryptedDataKey) -> WrappingKeyIdentity?
  ) {
    let header = inspection.header
    self.file = Text.printable(file)
    formatVersion = Int(header.suite.formatVersion.rawValue)
    let digits = String(header.suite.rawValue, radix: 16)
    suite = Suite(
      id: "0x" + String(repeating: "0", count: 4 - digits.count) + digits, name: header.suite.name)
    messageID = Text.hexadecimal(header.messageID)
    encryptionContext = header.encryptionContext
    encryptedDataKeys = header.encryptedDataKeys.map {
      let identity = identify($0)
      return WrappedKey(
        providerID: $0.providerID, keyName: $0.keyName, keyID: identity?.keyID,
        version: identity?.version, aliases: identity?.aliases)
    }
    switch header.content {
    case .framed(let length):
      contentType = "FRAMED"
      frameLength = length.bytes
    case .nonFramed:
      contentType = "NONFRAMED"
      frameLength = nil
    }
    frameCount = inspection.body?.frameCount
    plaintextSize = inspection.body?.plaintextSize
    isSigned = header.suite.isSigned
    isCommitted = header.suite.isCommitting
    isArmored = inspection.isArmored
    headerLength = inspection.headerLength
  }

  /// The report as text.
  var text: String {
    var lines: [(String, String)] = []
    lines.append(("file", file))
    lines.append(
      (
        "format",
        "AWS Encryption SDK message, version \(formatVersion)\(isArmored ? ", armored" : "")"
      ))
    lines.append(("suite", "\(suite.id) \(suite.name)"))
    lines.append(("message ID", messageID))
    lines.append(("key commitment", isCommitted ? "yes" : "no"))
    lines.append(("signed", isSigned ? "yes" : "no"))
    if let frameLength {
      let count = frameCount.map { "\($0), " } ?? ""
      lines.append(("frames", "\(count)each of up to \(frameLength) bytes"))
    } else {
      lines.append(("frames", "none, the body is in one piece"))
    }
    lines.append(
      (
        "plaintext",
        plaintextSize.map { $0 < 1024 ? Text.size($0) : "\($0) bytes (\(Text.size($0)))" }
          ?? "unknown, the input is not seekable"
      ))
    for (index, key) in encryptedDataKeys.enumerated() {
      var line = "\(Text.printable(key.providerID)) \(Text.printable(key.keyName))"
      if let keyID = key.keyID, let version = key.version {
        let aliases = (key.aliases ?? []).map(Text.printable).joined(separator: ", ")
        line += "\n" + String(repeating: " ", count: 16)
        line += "= version \(version) of key \(keyID)\(aliases.isEmpty ? "" : " (\(aliases))")"
      }
      lines.append((index == 0 ? "wrapped under" : "", line))
    }
    for (index, pair) in encryptionContext.pairs.enumerated() {
      lines.append(
        (index == 0 ? "context" : "", "\(Text.printable(pair.key)) = \(Text.printable(pair.value))")
      )
    }
    return lines.map { name, value in
      name + String(repeating: " ", count: 16 - name.count) + value
    }.joined(separator: "\n")
  }
}

extension Text {
  static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
