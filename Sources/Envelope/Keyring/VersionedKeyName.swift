import Foundation

/// The key name of a key of a keystore: `<key uuid>/<version>`.
package struct VersionedKeyName: Equatable {
  /// The provider ID of keys of a keystore in messages.
  package static let providerID = "envcrypt"

  package let keyID: String
  package let version: Int64

  package init(keyID: String, version: Int64) {
    self.keyID = keyID
    self.version = version
  }

  /// Nil if `bytes` are not exactly such a name, in the same spelling.
  package init?(parsing bytes: [UInt8]) {
    let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard parts.count == 2, let uuid = UUID(uuidString: String(decoding: parts[0], as: UTF8.self)),
      let version = Int64(String(decoding: parts[1], as: UTF8.self)), version > 0
    else { return nil }
    self.init(keyID: uuid.uuidString.lowercased(), version: version)
    guard text.utf8.elementsEqual(bytes) else { return nil }
  }

  package var text: String { "\(keyID)/\(version)" }
}
