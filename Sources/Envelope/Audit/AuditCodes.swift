/// The codes that make a chain of the entries, and of the head its end.
extension AuditLog {
  /// The entry that follows one with the code `previous`.
  func entry(
    after previous: [UInt8], sequence: UInt64, record: AuditRecord
  ) throws -> AuditEntry {
    let open = AuditEntry(sequence: sequence, previousCode: previous, record: record, code: [])
    let message = try open.authenticatedMessage()
    return AuditEntry(
      sequence: sequence, previousCode: previous, record: record, code: try authenticate(message))
  }

  func verifies(_ entry: AuditEntry) throws -> Bool {
    try verifies(entry.code, of: try entry.authenticatedMessage())
  }

  /// The head with its code behind it.
  func sealed(_ head: AuditHead) throws -> [UInt8] {
    let body = try head.bytes()
    return body + (try authenticate(body))
  }

  /// The head that `sealed` wrote; nil where it does not verify.
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
