import Envelope
import Foundation

// The types from which the KMS API's shapes are made, and the JSON form of their values.

/// Bytes in a shape of the KMS API. In JSON, they are a base64 string (RFC 4648, section 4).
package struct Blob: Codable, Equatable, Sendable {
  package var bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Decodes `text` from base64. Nil unless encoding the bytes returns `text` again.
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

/// A secret in a shape of the KMS API, such as a plaintext. Its JSON form is that of a `Blob`. The
/// bytes are wiped when the last reference to the object is gone, and `APICoding` makes no other
/// copy of them.
package final class SecretBlob: Codable, Sendable {
  package let bytes: SecretBytes

  package init(_ bytes: consuming SecretBytes) { self.bytes = bytes }

  /// Decodes `text` from base64. Nil unless encoding the bytes returns `text` again.
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

  package var count: Int { bytes.count }

  /// Lends the bytes to `body`.
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

/// A set of values that the KMS API defines. Decoding any other value throws an error that lists
/// the supported ones.
package protocol APIEnumeration: RawRepresentable, CaseIterable, Codable, Sendable
where RawValue == String {
  /// The values that work here. A request may have another value of the set; its error gives the
  /// reason.
  static var supported: [Self] { get }
}

extension APIEnumeration {
  package static var supported: [Self] { Array(allCases) }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Self(rawValue: text) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription:
          "'\(text)' is not one of \(Self.supported.map(\.rawValue).joined(separator: ", "))")
    }
    self = value
  }
}

/// The name of any member of a KMS shape.
package struct APIMember: CodingKey {
  package let stringValue: String
  package var intValue: Int? { nil }

  package init(_ name: String) { stringValue = name }
  package init?(stringValue: String) { self.init(stringValue) }
  package init?(intValue: Int) { nil }
}

/// Reads and writes the JSON of the KMS API.
package enum APICoding {
  /// The form of a string that stands for bytes: a value of the AWS CLI's `--cli-binary-format`.
  package enum BlobForm: String, CaseIterable, Sendable {
    case base64
    /// The bytes are the string's own UTF-8.
    case raw = "raw-in-base64-out"
  }

  static let blobForm = CodingUserInfoKey(rawValue: "blobForm")!

  /// Returns `value` as the AWS CLI prints it: names are sorted, and a line feed is at the end. Use
  /// `keysAsTheyAre` if the keys are not those of the KMS API: it does not convert them. Characters
  /// that move a cursor are escaped. No other copy of a secret stays in memory. Throws
  /// `EncodingError` for a date outside the years 1 to 9999.
  package static func bytes(
    of value: some Encodable, keysAsTheyAre: Bool = false
  ) throws -> SecretBytes {
    try encoding(keysAsTheyAre: keysAsTheyAre).encode(value, lineFeed: true)
  }

  /// Returns the same as a string, without the line feed. A string cannot be wiped.
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

  /// Decodes a shape from the JSON `text`. Members that the shape does not have are ignored. Throws
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

  /// Decodes a shape from a JSON value. Throws `DecodingError`.
  package static func decode<Shape: Decodable>(
    _ type: Shape.Type, from value: JSONValue, blobs form: BlobForm = .base64
  ) throws -> Shape {
    var decoding = JSONDecoding()
    decoding.memberName = APIName.member
    decoding.propertyName = APIName.property
    decoding.userInfo[blobForm] = form
    return try decoding.decode(type, from: value)
  }

  /// Returns the date that `text` names, to the millisecond. `text` is a date and time in ISO 8601
  /// with `Z` or an offset, a day (it means the beginning of the day in UTC), or a number of
  /// seconds since 1970. Returns nil for any other text, and for a date outside the years 1 to
  /// 9999.
  package static func date(from text: String) -> Date? { APIDate.date(text) }

  /// Returns a date in the form that it has in JSON. If the date is outside the years 1 to 9999,
  /// returns the last second of the year 9999.
  package static func text(of date: Date) -> String {
    APIDate.text(date) ?? "9999-12-31T23:59:59+00:00"
  }
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
