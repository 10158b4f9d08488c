import KMSKeystore

/// A keyring with a key of the keystore, as found by a command that processes messages. It remains
/// valid until the keystore is written to, or until a date that changes what the key may do.
struct FoundKeyring: Sendable {
  let keyring: RecordedKeyring
  private let moment: KeystoreMoment
  /// The date until which the keyring is valid, in milliseconds since 1970.
  private let end: Int64
  /// The time of the last check that the keystore is still the file under its name, in milliseconds
  /// since 1970.
  private var checkDate: Int64

  /// The number of milliseconds between checks that the keystore is still the file under its name.
  /// The check looks up a name. That takes longer than a read from the open file, so it is not done
  /// for every message.
  private static let checkInterval: Int64 = 10

  init(_ keyring: RecordedKeyring, at moment: KeystoreMoment, now: Int64, until end: Int64) {
    self.keyring = keyring
    self.moment = moment
    self.end = end
    checkDate = now
  }

  /// True if a new look-up would find the same keyring. Throws `KeystoreError.replaced`.
  mutating func holds(at now: Int64) throws -> Bool {
    if !(0..<Self.checkInterval).contains(now - checkDate) {
      try moment.requireInPlace()
      checkDate = now
    }
    return try now < end && moment.isNow()
  }
}
