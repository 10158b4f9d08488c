extension KeyService {
  /// Has the keystore require, or not any more, that each use of a key be recorded before anything comes of
  /// it. The owner decides that, and the change itself is always recorded. Processes that have the keystore
  /// open go on as before.
  public func requireAudit(_ isRequired: Bool) throws {
    _ = try unlock()
    try trail()?.requireRecords()
    try managing(isRequired ? .requireAudit : .stopRequiringAudit) { call in
      try call.write { unlocked, db in
        let before = try unlocked.keystoreRecord(db).requireLedger()
        // The keystore notes that this is recorded: its own row from before does not fit to the ledger then.
        try call.recordAsDone()
        guard let anchor = try trail()?.anchorAfterFlush() else {
          throw AuditError.damaged([.head])
        }
        try OperationCall.note(anchor, unlocked, db)
        guard try unlocked.keystoreRecord(db).requireLedger() != before else {
          throw KeystoreError.editedRecord("auditAnchor")
        }
        try unlocked.require(audit: isRequired, db)
      }
    }
  }
}
