import Envelope

/// A kind of file that envcrypt or SQLite wrote and that is never key material, whatever its size.
/// Keystores and audit logs change with each use, and messages are often in places where others may
/// read them.
package enum NoKeyMaterial: String, CaseIterable, Sendable {
  case keystore = "a keystore"
  case auditLog = "the audit log of a keystore"
  case journal = "a journal of SQLite"
  case message = "a message"

  /// Recognizes a file by its first bytes. Returns nil for any other file. Random bytes are not
  /// mistaken for a message, because a message's whole header has to be valid.
  package init?(_ bytes: borrowing SecretBytes) {
    let found = bytes.withBytes { bytes in
      bytes.withUnsafeBytes { Self.kind(of: $0) }
    }
    if let found {
      self = found
    } else if MessageInspector.isMessage(bytes) {
      self = .message
    } else {
      return nil
    }
  }

  /// Recognizes an open file, without moving its read position. Returns nil for any other file, and
  /// for one that is not a regular file. The file of a keystore stays open, because closing it
  /// would release SQLite's locks.
  package static func of(_ file: Descriptor) throws -> NoKeyMaterial? {
    guard let region = FileRegion(file) else { return nil }
    let count = Int(min(region.count, prefixLength))
    let bytes = try SecretBytes(count: count) { span in
      guard try region.fill(&span, at: 0) == count else { throw FileRuleError.changed(file.path) }
    }
    let kind = NoKeyMaterial(bytes)
    if kind == .keystore { file.keepOpen() }
    return kind
  }

  /// More bytes than the header of a message usually has.
  private static let prefixLength: Int64 = 1 << 20

  private static func kind(of bytes: UnsafeRawBufferPointer) -> NoKeyMaterial? {
    if bytes.starts(with: "SQLite format 3\0".utf8) { return .keystore }
    if isJournal(bytes) { return .journal }
    return AuditHead.isBegun(by: bytes) ? .auditLog : nil
  }

  /// Recognizes a rollback journal and a write-ahead log. SQLite writes the mark and the page count
  /// of a rollback journal, its first 12 bytes, only when the pages in it are on the disk; until
  /// then they are zero, and the sizes of sectors and pages show what it is.
  private static func isJournal(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if bytes.starts(with: KeystoreJournal.mark) { return true }
    func number(at index: Int) -> UInt32 {
      UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self))
    }
    func isSize(_ size: UInt32, atLeast least: UInt32) -> Bool {
      (least...65536).contains(size) && size.nonzeroBitCount == 1
    }
    guard bytes.count >= 28 else { return false }
    if [0x377F_0682, 0x377F_0683].contains(number(at: 0)) { return true }
    return bytes[..<12].allSatisfy { $0 == 0 } && isSize(number(at: 20), atLeast: 32)
      && isSize(number(at: 24), atLeast: 512)
  }
}
