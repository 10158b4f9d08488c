/// The name of a wrapping key in a message. Names are bytes: names that only look alike differ.
public struct WrappingKeyName: Hashable, Sendable {
  /// The provider ID; keyrings call it their key namespace.
  public let providerID: String
  /// The name of the key at that provider.
  public let keyName: String

  package init(providerID: String, keyName: String) {
    self.providerID = providerID
    self.keyName = keyName
  }

  /// Returns true if both have the same bytes.
  public static func == (left: Self, right: Self) -> Bool {
    left.providerID.utf8.elementsEqual(right.providerID.utf8)
      && left.keyName.utf8.elementsEqual(right.keyName.utf8)
  }

  /// Hashes the bytes of both names.
  public func hash(into hasher: inout Hasher) {
    for text in [providerID, keyName] {
      for byte in text.utf8 { hasher.combine(byte) }
      hasher.combine(UInt8.max)
    }
  }
}
