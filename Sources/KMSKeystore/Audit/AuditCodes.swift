import Envelope
import SystemPackage

/// The codes that chain the entries, and the code of the head, which fixes the end of the chain.
extension AuditLog: AuditLogReading {
  package var mayHaveOtherNames: Bool { false }

  /// Returns the entries of `records` in the format of the log. They continue the chain after the
  /// last entry of `head`. Changes `head` so that it includes them.
  func entries(of records: [AuditRecord], after head: inout AuditHead) throws -> [UInt8] {
    let context = try key.context()
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

  /// True if the code of the entry verifies.
  package func accepts(_ entry: AuditEntry) throws -> Bool {
    try key.verifies(entry.code, of: try entry.authenticatedMessage())
  }

  /// Returns the head followed by its code.
  func serialize(_ head: AuditHead) throws -> [UInt8] {
    let body = try head.bytes()
    return body + (try key.authenticate(body))
  }

  package func parseHead(_ bytes: [UInt8]) throws -> AuditHead? {
    guard let (head, body, code) = AuditHead.parts(of: bytes),
      try key.verifies(code, of: body)
    else { return nil }
    return head
  }
}

/// An audit log that is read without its key, because the keystore is locked or the result is only
/// shown. It accepts everything that has the format of a log.
package final class UnverifiedAuditLog: AuditLogReading {
  package let path: FilePath
  package let patience = AuditLog.shortPatience
  package let mayHaveOtherNames = true

  package init(_ path: FilePath) { self.path = path }

  package func place() throws -> AuditPlace { try AuditPlace(path) }
  package func parseHead(_ bytes: [UInt8]) -> AuditHead? { AuditHead.parts(of: bytes)?.head }
  package func accepts(_ entry: AuditEntry) -> Bool { true }
}

extension AuditHead {
  /// Splits a head that `AuditLog.serialize` made. Returns nil if the bytes do not have that format.
  fileprivate static func parts(
    of bytes: [UInt8]
  ) -> (head: AuditHead, body: [UInt8], code: [UInt8])? {
    guard bytes.count == length else { return nil }
    let body = Array(bytes.dropLast(AuditEntry.codeLength))
    return AuditHead(parsing: body).map {
      ($0, body, Array(bytes.suffix(AuditEntry.codeLength)))
    }
  }
}
