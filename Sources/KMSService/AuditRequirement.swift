import KMSKeystore

extension KeyService {
  /// Makes the keystore require that each use of a key is recorded before the result is returned,
  /// or makes it stop requiring this. Only the owner may decide that, and the change itself is
  /// always recorded. Processes that already have the keystore open continue as before.
  package func requireAudit(_ isRequired: Bool) throws {
    _ = try unlock()
    try host.trail()?.requireRecords()
    try managing(isRequired ? .requireAudit : .stopRequiringAudit) { call in
      try call.write { transaction in
        let before = try transaction.ledgerRoot()
        // The keystore notes the new end of the audit log, which changes the ledger. From then on,
        // the keystore's own record from before does not match the ledger any more.
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
