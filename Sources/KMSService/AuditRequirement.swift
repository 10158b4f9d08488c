import KMSKeystore

extension KeyService {
  /// Has the keystore require, or not any more, that each use of a key be recorded before anything comes of
  /// it. The owner decides that, and the change itself is always recorded. Processes that have the keystore
  /// open go on as before.
  package func requireAudit(_ isRequired: Bool) throws {
    _ = try unlock()
    try host.trail()?.requireRecords()
    try managing(isRequired ? .requireAudit : .stopRequiringAudit) { call in
      try call.write { transaction in
        let before = try transaction.ledgerRoot()
        // The keystore notes that this is recorded: its own row from before does not fit to the ledger then.
        try call.recordAsDone()
        guard let anchor = try host.trail()?.anchorAfterFlush() else {
          throw AuditError.damaged([.head])
        }
        try transaction.note(anchor)
        guard try transaction.ledgerRoot() != before else {
          throw KeystoreError.editedRecord("auditAnchor")
        }
        try transaction.require(audit: isRequired)
      }
    }
  }
}
