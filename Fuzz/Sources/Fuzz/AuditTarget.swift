import Foundation
import SystemPackage

@testable import Envelope
@testable import KMSKeystore

extension FuzzTarget {
  /// An audit log on disk: read without its key and with it, appended to, and pruned. The first
  /// byte says if the codes are corrected first, so that the parts after them are reached too.
  static let audit = FuzzTarget("audit") { bytes in
    guard let mode = bytes.first else { return }
    let content = Array(bytes.dropFirst())
    let path = FilePath("/dev/shm/envcrypt-fuzz-audit-\(getpid())")
    defer { unlink(path.string) }
    try put(mode & 1 == 0 ? content : try authentic(content), at: path)
    let anchor = AuditAnchor(
      sequence: UInt64(mode >> 4), code: [UInt8](repeating: 0, count: AuditEntry.codeLength))

    var unverified: [AuditEntry] = []
    _ = try UnverifiedAuditLog(path).read(after: anchor) { unverified.append($0) }

    let log = AuditLog(
      at: path, key: AuditKey(bytes: SecretBytes(copying: secret.span.bytes)))
    var last: UInt64 = 0
    var lastCode: [UInt8] = []
    let damage = try log.read(after: anchor) { entry in
      require(entry.sequence > last, "entries out of order")
      last = entry.sequence
      lastCode = entry.code
    }
    if mode & 2 != 0 {
      let dropped = Result { try log.prune(before: Int64(mode) << 8, after: anchor) }
      if case .failure(AuditError.damaged) = dropped {
        require(!damage.isEmpty, "a log without damage is not pruned")
      } else {
        _ = try dropped.get()
      }
    }
    if mode & 4 != 0 {
      try log.append([record, record], after: { anchor })
      var found = 0
      _ = try log.read(after: .none) { if $0.record == record { found += 1 } }
      // Somebody with the key can write a head that belongs to another log or to none. If the end
      // is lost, the log continues after whatever is left.
      let head =
        AuditHead(parsing: Array(content.prefix(AuditHead.length))) ?? .start(after: anchor)
      let isSound =
        damage.isEmpty && head.end == content.count && head.lastSequence >= anchor.sequence
        && head.lastSequence == (last > 0 ? last : head.firstSequence - 1)
        && head.lastCode == (lastCode.isEmpty ? head.baseCode : lastCode)
      // A head without entries ends at the beginning of the log.
      let isOfALog =
        head.lastSequence >= head.firstSequence
        || head.lastSequence == head.firstSequence - 1 && head.lastCode == head.baseCode
      let hasLostItsEnd = head.end > content.count && isOfALog
      // No log can reach the last sequence number.
      let hasRoom = max(head.lastSequence, last) < AuditEntry.numbers.upperBound - 1
      require(
        found >= 2 || !hasRoom || !(isSound || hasLostItsEnd), "what was appended is not read")
    }
  }

  private static let secret = [UInt8](repeating: 7, count: 32)

  private static let record = AuditRecord(
    time: 5000, operation: "Encrypt", caller: "fuzz", keyID: "key", keyVersion: 1, context: [],
    requestID: [UInt8](repeating: 9, count: 16), error: nil)

  private static func put(_ bytes: [UInt8], at path: FilePath) throws {
    let file = fopen(path.string, "w")!
    bytes.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
    fclose(file)
  }

  /// Returns the log with the correct codes for its head and entries.
  private static func authentic(_ content: [UInt8]) throws -> [UInt8] {
    let key = AuditKey(bytes: SecretBytes(copying: secret.span.bytes))
    guard content.count >= AuditHead.length else { return content }
    var bytes = content
    func sign(_ range: Range<Int>) throws {
      let body = Array(bytes[range.lowerBound..<range.upperBound - AuditEntry.codeLength])
      bytes.replaceSubrange(
        range.upperBound - AuditEntry.codeLength..<range.upperBound,
        with: try key.authenticate(body))
    }
    try sign(0..<AuditHead.length)
    var start = AuditHead.length
    while start + 4 <= bytes.count {
      let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length >= AuditEntry.codeLength, start + 4 + length <= bytes.count else { break }
      try sign(start + 4..<start + 4 + length)
      start += 4 + length
    }
    return bytes
  }
}
