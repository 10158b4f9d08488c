import Envelope

/// The removal of the oldest entries of an audit log.
extension AuditLog {
  /// Removes the entries before `date` (milliseconds since 1970) and returns their number. The
  /// chain can still be verified: the head names the entry where it begins now.
  ///
  /// The remaining entries are copied while others append. Only entries that are appended meanwhile
  /// are copied under the lock. The new file is created in the directory that was opened, and
  /// replaces only the file that was read and locked. Throws `FileRuleError.changed` if another
  /// file is in its place.
  package func prune(
    before date: Int64, after anchor: AuditAnchor, leftovers: Leftovers = Leftovers(),
    beforeReplacing: () throws -> Void = {}
  ) throws -> Int {
    guard let file = try openedForReading(), let head = try settledHead(of: file) else { return 0 }
    var cut = AuditCut(head, before: date)
    let damage = try AuditReader(file: file, head: head, log: self).read(anchor: anchor) {
      cut.take($0, endingAt: $1)
    }
    // A damaged log is evidence, and is kept.
    guard damage.isEmpty else { throw AuditError.damaged(damage) }
    guard cut.droppedCount > 0 else { return 0 }

    leftovers.sweep(path.directory)
    let hidden = try HiddenFile.name(.output, in: path.directory)
    leftovers.add(hidden)
    do {
      let output = try AuditFile(new: hidden, beside: try place())
      let start = Int64(AuditHead.length)
      try file.copy(Int64(cut.start)..<Int64(head.end), to: output, at: start)
      try output.synchronize()
      try beforeReplacing()
      try replacing(file) { current, now, place in
        guard now.firstSequence == head.firstSequence, now.end >= head.end else {
          throw FileRuleError.changed(path)
        }
        try current.copy(
          Int64(head.end)..<Int64(now.end), to: output,
          at: start + Int64(head.end) - Int64(cut.start))
        try output.write(try serialize(cut.head(from: now)), at: 0)
        try output.take(ownerAndModeOf: try current.status())
        try output.synchronize()
        try place.replace(by: hidden)
        place.synchronizeNames()
      }
    } catch {
      leftovers.remove(hidden)
      throw error
    }
    leftovers.forget(hidden)
    return cut.droppedCount
  }
}

/// The entries at the beginning of a log that are removed.
private struct AuditCut {
  private(set) var droppedCount = 0
  /// The offset of the first entry that is kept.
  private(set) var start = UInt64(AuditHead.length)
  private var last: (sequence: UInt64, code: [UInt8])?
  private var isComplete = false
  private let end: UInt64
  private let date: Int64

  init(_ head: AuditHead, before date: Int64) {
    end = head.end
    self.date = date
  }

  mutating func take(_ entry: AuditEntry, endingAt end: UInt64) {
    // Entries after the head's end are kept.
    isComplete = isComplete || entry.record.time >= date || end > self.end
    if isComplete { return }
    droppedCount += 1
    start = end
    last = (entry.sequence, entry.code)
  }

  /// Returns the head of the new file, made from the old one.
  func head(from old: AuditHead) -> AuditHead {
    var head = old
    guard let last else { return head }
    head.firstSequence = last.sequence + 1
    head.baseCode = last.code
    head.prunedThrough = last.sequence
    head.end = old.end - start + UInt64(AuditHead.length)
    return head
  }
}
