import Envelope
import Foundation

// What the KMS API's shapes are made of: its names, and how its values look in JSON.

/// Bytes that the KMS API carries: in JSON a string of base64 (RFC 4648, section 4).
package struct Blob: Codable, Equatable, Sendable {
  package var bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The bytes that `text` encodes; nil where it is not base64, to the letter.
  package init?(base64 text: String) {
    guard let bytes = Base64.decode(text.utf8) else { return nil }
    self.bytes = bytes
  }

  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    if decoder.blobsAreRaw {
      self.init(Array(text.utf8))
    } else if let blob = Blob(base64: text) {
      self = blob
    } else {
      throw decoder.notBase64
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(String(decoding: Base64.encode(bytes), as: UTF8.self))
  }
}

/// A secret that the KMS API carries, such as a plaintext: in JSON what a `Blob` is. The bytes are
/// wiped when the last owner lets go, and `APICoding` makes no other copy of them.
package final class SecretBlob: Codable, Sendable {
  package let bytes: SecretBytes

  package init(_ bytes: consuming SecretBytes) { self.bytes = bytes }

  /// The bytes that `text` encodes; nil where it is not base64, to the letter.
  package init?(base64 text: String) {
    guard let bytes = Base64.decodeSecret(Self.copy(text)) else { return nil }
    self.bytes = bytes
  }

  package init(from decoder: any Decoder) throws {
    let text = try SecretText(from: decoder)
    if decoder.blobsAreRaw {
      bytes = text.bytes.duplicate()
    } else {
      guard let bytes = Base64.decodeSecret(text.bytes) else { throw decoder.notBase64 }
      self.bytes = bytes
    }
  }

  private static func copy(_ text: String) -> SecretBytes {
    SecretBytes(copying: Array(text.utf8).span.bytes)
  }

  package func encode(to encoder: any Encoder) throws {
    try SecretText(Base64.encodeSecret(bytes)).encode(to: encoder)
  }

  /// How many bytes there are.
  package var count: Int { bytes.count }

  /// Lends the bytes for the length of `body`.
  package func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try bytes.withBytes(body)
  }
}

extension SecretBlob: CustomStringConvertible, CustomReflectable {
  package var description: String { "SecretBlob" }
  package var customMirror: Mirror { Mirror(self, children: EmptyCollection()) }
}

/// One of the values that the KMS API names. What is none of them is refused with their list.
package protocol APIEnumeration: RawRepresentable, CaseIterable, Codable, Sendable
where RawValue == String {}

extension APIEnumeration {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Self(rawValue: text) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription:
          "'\(text)' is not one of \(Self.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self = value
  }
}

/// A member of a KMS shape, under any name.
package struct APIMember: CodingKey {
  package let stringValue: String
  package var intValue: Int? { nil }

  package init(_ name: String) { stringValue = name }
  package init?(stringValue: String) { self.init(stringValue) }
  package init?(intValue: Int) { nil }
}

/// How JSON of the KMS API is read and written.
package enum APICoding {
  /// What a string stands for where bytes are wanted: the AWS CLI's `--cli-binary-format`.
  package enum BlobForm: String, CaseIterable, Sendable {
    case base64
    /// The string's own UTF-8.
    case raw = "raw-in-base64-out"
  }

  static let blobForm = CodingUserInfoKey(rawValue: "blobForm")!

  /// `value` as the AWS CLI prints it, names in order, with a line feed at the end; with its keys as they
  /// are if those are not the KMS API's. Characters that move a cursor are escaped. No copy of a
  /// secret stays behind. Throws EncodingError for a date outside the years 1 to 9999.
  package static func bytes(
    of value: some Encodable, keysAsTheyAre: Bool = false
  ) throws -> SecretBytes {
    try encoding(keysAsTheyAre: keysAsTheyAre).encode(value, lineFeed: true)
  }

  /// The same as a text, which cannot be wiped, without the line feed.
  package static func text(of value: some Encodable, keysAsTheyAre: Bool = false) throws -> String {
    try encoding(keysAsTheyAre: keysAsTheyAre).text(of: value)
  }

  private static func encoding(keysAsTheyAre: Bool) -> JSONEncoding {
    var encoding = JSONEncoding()
    encoding.layout = .awsCLI
    encoding.escapes = .unprintable
    if !keysAsTheyAre { encoding.memberName = APIName.member }
    return encoding
  }

  /// The shape that the JSON `text` is. Members that the shape does not have are passed over. Throws
  /// `DecodingError`.
  package static func decode<Shape: Decodable>(
    _ type: Shape.Type, from text: String, blobs form: BlobForm = .base64
  ) throws -> Shape {
    let document: JSONDocument
    do throws(JSONError) {
      document = try JSONDocument(text)
    } catch {
      throw error.decodingError
    }
    return try decode(type, from: document.root, blobs: form)
  }

  /// The shape that a JSON value is.
  package static func decode<Shape: Decodable>(
    _ type: Shape.Type, from value: JSONValue, blobs form: BlobForm = .base64
  ) throws -> Shape {
    var decoding = JSONDecoding()
    decoding.memberName = APIName.member
    decoding.propertyName = APIName.property
    decoding.userInfo[blobForm] = form
    return try decoding.decode(type, from: value)
  }

  /// The date that `text` names, to the millisecond: ISO 8601 with `Z` or an offset, a day (its
  /// beginning in UTC), or seconds since 1970; nil where it is none, or outside the years 1 to 9999.
  package static func date(from text: String) -> Date? { APIDate.date(text) }

  /// A date as JSON has it; of years before 1 and after 9999 the nearest that there is.
  package static func text(of date: Date) -> String { APIDate.text(date) ?? "9999-12-31T23:59:59+00:00" }
}

extension Decoder {
  fileprivate var blobsAreRaw: Bool {
    userInfo[APICoding.blobForm] as? APICoding.BlobForm == .raw
  }

  fileprivate var notBase64: DecodingError {
    .dataCorrupted(
      DecodingError.Context(codingPath: codingPath, debugDescription: "the value is not base64"))
  }
}
