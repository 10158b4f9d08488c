import Envelope
import Glibc
import SystemPackage

/// Byte-for-byte copies of an audit log, which need no key.
extension AuditLogReading {
  /// Copies the log to the file that `makeOutput` creates, and returns that file; nil if there is
  /// no log. Copies up to the end that the head names without a lock, while others go on appending.
  /// Only entries after that end are copied under the lock.
  func copy(to makeOutput: () throws -> AuditFile) throws -> AuditFile? {
    guard let file = try openedForReading() else { return nil }
    let output = try makeOutput()
    let bytes = try settledHeadBytes(of: file)
    let size = try file.status().size
    guard let head = try parseHead(bytes) else {
      // Copies a damaged log, or one without a head yet, as it is. Its holes take no space.
      try file.copy(0..<size, to: output, at: 0)
      return output
    }
    let start = Int64(AuditHead.length)
    let end = max(start, min(Int64(head.end), size))
    try file.copy(start..<end, to: output, at: start)
    try output.write(bytes, at: 0)
    if size > end {
      // These are entries of a process that died before it wrote the head: at most one batch of
      // them.
      _ = try ifSettled(file, since: head) {
        let rest = try min(file.status().size - end, Int64(AuditFile.pieceLength))
        try file.copy(end..<max(end, end + rest), to: output, at: end)
      }
    }
    return output
  }
}

extension UnverifiedAuditLog {
  /// True if the file is the audit log of any keystore, in any state: it begins with a head, even a
  /// damaged one, or with zeros in its place and an entry after them. False for an empty file, and
  /// for a link, a directory or a special file.
  static func isLog(_ path: FilePath) throws -> Bool {
    let number = try AuditPlace(path).open(O_RDONLY)
    guard number >= 0 else { return false }
    let file = AuditFile(Descriptor(owning: number, path: path))
    guard try file.status().kind == .regular else { return false }
    let bytes = try file.read(AuditHead.length, at: 0)
    if AuditHead.isBegun(by: bytes) { return true }
    guard bytes.count == AuditHead.length, bytes.allSatisfy({ $0 == 0 }) else { return false }
    let head = AuditHead.start(after: .none)
    return try AuditReader(file: file, head: head, log: UnverifiedAuditLog(path)).hasFirstEntry()
  }

  /// True if the log at `later` has every entry of the log at `earlier`, at the same offset. In
  /// that case nothing is lost if the later log replaces the earlier one. False if one of them has
  /// no valid head.
  static func continues(_ earlier: FilePath, in later: FilePath) throws -> Bool {
    guard let first = try head(of: earlier), let last = try head(of: later),
      let earlier = try opened(earlier), let later = try opened(later)
    else { return false }
    // Without entries, only the head says which log it is.
    guard first.end > UInt64(AuditHead.length) else { return first == last }
    let size = try earlier.status().size
    // The earlier log has lost entries at its end. Nothing shows that the later log has them.
    guard size >= Int64(first.end), try later.status().size >= size else { return false }
    var offset = Int64(AuditHead.length)
    while offset < size {
      // Two holes are equal, so there is nothing to read.
      let starts = try [earlier, later].compactMap { try $0.data(in: offset..<size)?.lowerBound }
      guard let start = starts.min() else { break }
      offset = start
      let count = min(size - offset, Int64(AuditFile.pieceLength))
      let piece = try earlier.read(Int(count), at: offset)
      guard !piece.isEmpty, try later.read(piece.count, at: offset) == piece else { return false }
      offset += Int64(piece.count)
    }
    return true
  }

  /// True if the log at `earlier` has entries, and the one at `later` has all of them and more.
  static func goesFurther(_ later: FilePath, than earlier: FilePath) throws -> Bool {
    guard let first = try head(of: earlier), let last = try head(of: later),
      first.end > UInt64(AuditHead.length), last.lastSequence > first.lastSequence
    else { return false }
    return try continues(earlier, in: later)
  }

  /// True if the log at `later` was pruned after it was in the state of the one at `earlier`. Both
  /// must be logs of the same keystore.
  static func wasPruned(_ later: FilePath, since earlier: FilePath) throws -> Bool {
    guard let earlier = try head(of: earlier), let later = try head(of: later) else { return false }
    return later.prunedThrough > earlier.prunedThrough && later.lastSequence >= earlier.lastSequence
  }

  /// Returns the head of a log; nil if there is none, or if it is damaged.
  private static func head(of path: FilePath) throws -> AuditHead? {
    guard let file = try opened(path) else { return nil }
    do {
      return try UnverifiedAuditLog(path).settledHead(of: file)
    } catch is AuditError {
      return nil
    }
  }

  /// Opens a log. Returns nil if there is none, or if the file cannot be a log of the keystore
  /// beside it (`AuditPlace.fault`).
  private static func opened(_ path: FilePath) throws -> AuditFile? {
    do {
      return try UnverifiedAuditLog(path).openedForReading()
    } catch AuditError.notAFile {
      return nil
    } catch AuditError.foreign {
      return nil
    }
  }
}
