/// The name of a wrapping key in a message. Names are bytes: names that only look alike differ.
public struct WrappingKeyName: Hashable, Sendable {
  public let providerID: String
  public let keyName: String

  package init(providerID: String, keyName: String) {
    self.providerID = providerID
    self.keyName = keyName
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.providerID.utf8.elementsEqual(right.providerID.utf8)
      && left.keyName.utf8.elementsEqual(right.keyName.utf8)
  }

  public func hash(into hasher: inout Hasher) {
    for text in [providerID, keyName] {
      for byte in text.utf8 { hasher.combine(byte) }
      hasher.combine(UInt8.max)
    }
  }
}
