import Envelope

/// The codes that chain the entries, and the code of the head, which fixes the end of the chain.
extension AuditLog {
  /// Returns the entries of `records` in the format of the log, following the last entry that
  /// `head` knows. Advances `head` past them.
  func entries(of records: [AuditRecord], after head: inout AuditHead) throws -> [UInt8] {
    guard let context = try key?.context() else {
      preconditionFailure("a log that is only read is not written")
    }
    var log = WireWriter()
    var body = WireWriter()
    for record in records {
      head.lastSequence += 1
      body.reset()
      try AuditEntry.write(
        sequence: head.lastSequence, previousCode: head.lastCode, record: record, to: &body)
      head.lastCode = try context.authenticate(body.bytes)
      _ = log.uint32(UInt32(body.bytes.count + AuditEntry.codeLength))
      _ = log.bytes(body.bytes, count: body.bytes.count)
      _ = log.bytes(head.lastCode, count: AuditEntry.codeLength)
    }
    head.end += UInt64(log.bytes.count)
    return log.bytes
  }

  func verifies(_ entry: AuditEntry) throws -> Bool {
    try verifies(entry.code, of: try entry.authenticatedMessage())
  }

  /// Returns the head followed by its code.
  func sealed(_ head: AuditHead) throws -> [UInt8] {
    let body = try head.bytes()
    return body + (try authenticate(body))
  }

  /// Returns the head that `sealed` wrote; nil if it does not verify.
  func opened(_ sealed: [UInt8]) throws -> AuditHead? {
    guard sealed.count == AuditHead.length else { return nil }
    let body = Array(sealed.dropLast(AuditEntry.codeLength))
    guard try verifies(Array(sealed.suffix(AuditEntry.codeLength)), of: body) else { return nil }
    return AuditHead(parsing: body)
  }

  private func authenticate(_ message: [UInt8]) throws -> [UInt8] {
    guard let code = try key?.authenticate(message) else {
      preconditionFailure("a log that is only read is not written")
    }
    return code
  }

  private func verifies(_ code: [UInt8], of message: [UInt8]) throws -> Bool {
    try key?.verifies(code, of: message) ?? true
  }
}
