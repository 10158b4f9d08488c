/// The name of a wrapping key in a message.
public struct WrappingKeyName: Hashable, Sendable {
  public let providerID: String
  public let keyName: String
}
