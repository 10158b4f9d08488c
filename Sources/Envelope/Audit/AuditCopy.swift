import SystemPackage

/// Copies of an audit log as it lies: no key is needed.
extension AuditLog {
  /// Writes the log into the file that `makeOutput` makes; nil if there is no log. Nobody waits: a log
  /// is copied up to where its head says that it ends, and others go on appending.
  func copy(to makeOutput: () throws -> AuditFile) throws -> AuditFile? {
    guard let file = try openedForReading() else { return nil }
    let output = try makeOutput()
    let bytes = try settledHeadBytes(of: file)
    let size = try file.status().size
    guard let head = try opened(bytes) else {
      // A damaged log, or one that has no head yet, is copied as it is.
      try file.copy(0..<size, to: output, at: 0)
      return output
    }
    let start = Int64(AuditHead.length)
    let end = max(start, min(Int64(head.end), size))
    try file.copy(start..<end, to: output, at: start)
    try output.write(bytes, at: 0)
    if size > end {
      // Entries of a process that died before it wrote the head: it had a batch of them at most.
      _ = try ifSettled(file, since: head) {
        let rest = try min(file.status().size - end, Int64(AuditFile.pieceLength))
        try file.copy(end..<max(end, end + rest), to: output, at: end)
      }
    }
    return output
  }

  /// Whether the log at `later` has every entry of the one at `earlier`, in its place: nothing is lost
  /// where it replaces that one.
  static func continues(_ earlier: FilePath, in later: FilePath) throws -> Bool {
    guard let earlier = try opened(earlier), let later = try opened(later) else { return false }
    let size = try earlier.status().size
    var offset = Int64(AuditHead.length)
    while offset < size {
      let piece = try earlier.read(AuditFile.pieceLength, at: offset)
      guard !piece.isEmpty, try later.read(piece.count, at: offset) == piece else { return false }
      offset += Int64(piece.count)
    }
    return true
  }

  /// Whether the log at `later` has every entry of the one at `earlier`, which has some, and more.
  static func goesFurther(_ later: FilePath, than earlier: FilePath) throws -> Bool {
    guard let first = try head(of: earlier), let last = try head(of: later),
      first.end > UInt64(AuditHead.length), last.lastSequence > first.lastSequence
    else { return false }
    return try continues(earlier, in: later)
  }

  /// Whether the log at `later` says that entries were dropped on purpose since it was as the one at
  /// `earlier`, which is of the same keystore.
  static func wasPruned(_ later: FilePath, since earlier: FilePath) throws -> Bool {
    guard let earlier = try head(of: earlier), let later = try head(of: later) else { return false }
    return later.prunedThrough > earlier.prunedThrough && later.lastSequence >= earlier.lastSequence
  }

  /// Nil if the head is damaged.
  private static func head(of path: FilePath) throws -> AuditHead? {
    guard let file = try opened(path) else { return nil }
    do {
      return try AuditLog(reading: path).settledHead(of: file)
    } catch is AuditError {
      return nil
    }
  }

  /// Nil for what is not a log of ours.
  private static func opened(_ path: FilePath) throws -> AuditFile? {
    do {
      return try AuditLog(reading: path).openedForReading()
    } catch AuditError.notAFile {
      return nil
    }
  }
}
