import KMSKeystore

extension KeyService {
  /// Verifies every record of the keystore, unwraps every key version, and reads the audit log from
  /// end to end.
  package func check() throws -> KeystoreCheck {
    let unlocked = try host.unlockForCheck()
    host.trailIfOpen?.flush()
    return try keystore.check(with: unlocked)
  }

  /// Accepts the present records as the current ones, if the program wrote them. The owner uses
  /// this after an older copy of a part of the keystore was put back. Removes protectors that the
  /// ledger does not list. Returns the damage that is mended.
  package func acceptRecords() throws -> [KeystoreDamage] {
    try requireOwner(for: .acceptRecords)
    // Unlocks with a protector that the keystore still has. If an old protector was put back, it
    // must not be able to accept itself, or what was put back with it.
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
