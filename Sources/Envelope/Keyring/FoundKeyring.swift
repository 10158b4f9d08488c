/// A keyring over a key of the keystore, as a run over messages has found it. It holds until something is written to the
/// keystore, or a date comes that changes what the key may do.
struct FoundKeyring: Sendable {
  let keyring: RecordedKeyring
  private let moment: KeystoreMoment
  /// That date, in milliseconds since 1970.
  private let end: Int64
  /// The time at which the keystore was last looked for under its name.
  private var lookDate: Int64

  /// For how many milliseconds another file may have the keystore's name unnoticed. To look at a name takes longer than to
  /// read from an open file, and every message of a run comes by here.
  private static let patience: Int64 = 10

  init(_ keyring: RecordedKeyring, at moment: KeystoreMoment, now: Int64, until end: Int64) {
    self.keyring = keyring
    self.moment = moment
    self.end = end
    lookDate = now
  }

  /// True if a look-up would find the same. Throws `KeystoreError.replaced`.
  mutating func holds(at now: Int64) throws -> Bool {
    if !(0..<Self.patience).contains(now - lookDate) {
      try moment.requireInPlace()
      lookDate = now
    }
    return try now < end && moment.isNow()
  }
}
