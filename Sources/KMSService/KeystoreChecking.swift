import KMSKeystore

extension KeyService {
  /// Verifies every record of the keystore, unwraps every key version, and reads the audit log from end to end.
  package func check() throws -> KeystoreCheck {
    let unlocked = try host.unlockForCheck()
    host.trailIfOpen?.flush()
    return try keystore.check(with: unlocked)
  }

  /// Takes the records that are there for the last ones, where the program wrote them: after a part of the
  /// keystore was put back. Protectors that the keystore does not have any more are removed. Returns what
  /// `check` had to say, and says no more.
  package func acceptRecords() throws -> [KeystoreDamage] {
    try requireOwner(for: .acceptRecords)
    // By a protector that the keystore still has: one that was put back must not have itself accepted, nor
    // what was put back with it.
    let unlocked = try unlock()
    let damage = try check().damage
    try managing(.acceptRecords) { call in
      try keystore.change(unlocked) { transaction in
        try transaction.acceptRecords()
        try call.recordAsDone()
        try call.noteRecords(in: transaction)
      }
    }
    let left = try check().damage
    return damage.filter { !left.contains($0) }
  }
}
