import KMSKeystore

extension KeyService {
  /// Turns the requirement on or off that each use of a key is recorded before the result is
  /// returned. Only the owner may do that, and the change itself is always recorded. Processes that
  /// already have the keystore open continue with the old setting.
  package func requireAudit(_ isRequired: Bool) throws {
    _ = try unlock()
    try host.trail()?.requireRecords()
    try managing(isRequired ? .requireAudit : .stopRequiringAudit) { call in
      try call.write { transaction in
        let before = try transaction.ledgerRoot()
        // The new end of the audit log is stored in the keystore, which changes the ledger. After
        // that, no older record of the keystore matches the ledger, so nobody can put back a record
        // with the old setting.
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
