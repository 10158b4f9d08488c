import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSKeystore
@testable import TestSupport

/// The file of the log: appending, reading, and changes made by hand.
@Suite struct AuditLogTests {
  let directory: TemporaryDirectory
  var path: FilePath { directory.path.appending("log") }

  init() throws { directory = try TemporaryDirectory() }

  func log(_ byte: UInt8 = 1) -> AuditLog {
    AuditLog(at: path, key: AuditKey(bytes: SecretBytes([UInt8](repeating: byte, count: 32))))
  }

  func append(_ numbers: ClosedRange<Int>) throws {
    try log().append(numbers.map(AuditRecord.numbered), after: { .none })
  }

  func read(
    _ log: (any AuditLogReading)? = nil, anchor: AuditAnchor = .none
  ) throws -> (numbers: [UInt64], damage: [AuditDamage]) {
    var numbers: [UInt64] = []
    let damage = try (log ?? self.log()).read(after: anchor) { entry in
      #expect(entry.record == AuditRecord.numbered(Int(entry.sequence)))
      numbers.append(entry.sequence)
    }
    return (numbers, damage)
  }

  /// Returns the offset of each entry, and the end of the file.
  func offsets() throws -> [Int] {
    let bytes = try contents(path)
    var offsets = [AuditHead.length]
    while offsets.last! < bytes.count {
      let length = bytes[offsets.last!..<offsets.last! + 4].reduce(0) { $0 << 8 | Int($1) }
      offsets.append(offsets.last! + 4 + length)
    }
    return offsets
  }

  @Test func recordsComeBackInTheirOrder() throws {
    #expect(try read().numbers == [])
    try append(1...1)
    try append(2...5)
    try append(6...6)
    let (numbers, damage) = try read()
    #expect(numbers == Array(1...6) && damage.isEmpty)
    #expect(try FileStatus.at(path)?.permissions == 0o600)
    let anchor = try #require(try log().anchor())
    #expect(anchor.sequence == 6)
    #expect(try read(anchor: anchor).damage.isEmpty)
  }

  @Test func everyFieldComesBack() throws {
    var record = AuditRecord.numbered(1)
    record.context = try EncryptionContext([(key: "größe", value: "λ"), (key: "", value: "x")])
      .serialized()
    record.errorCode = "DisabledException"
    record.errorMessage = "why"
    record.time = -1
    try log().append([record], after: { .none })
    var found: [AuditRecord] = []
    _ = try log().read(after: .none) { found.append($0.record) }
    #expect(found == [record])
    #expect(found[0].encryptionContext["größe"] == "λ")
  }

  /// Changes every byte of the file. The damage names the entry that contains the byte, or the
  /// head.
  @Test func everyChangedByteIsNoticed() throws {
    try append(1...4)
    let whole = try contents(path)
    let offsets = try offsets()
    for position in whole.indices {
      var changed = whole
      changed[position] ^= 0x10
      try write(changed, to: path)
      let (numbers, damage) = try read()
      #expect(!damage.isEmpty, "byte \(position)")
      guard let entry = offsets.lastIndex(where: { $0 <= position }) else {
        #expect(damage == [.head] && numbers.isEmpty, "byte \(position)")
        continue
      }
      #expect(!numbers.contains(UInt64(entry + 1)), "byte \(position)")
      // The entries before it are valid, and so are those after it if its length is unchanged.
      #expect(numbers.starts(with: (0..<entry).map { UInt64($0 + 1) }), "byte \(position)")
      if position >= offsets[entry] + 4 {
        #expect(numbers.count == 3, "byte \(position)")
        #expect(damage.contains(.altered(UInt64(entry + 1))), "byte \(position)")
      }
    }
  }

  @Test(arguments: 1...5)
  func aDroppedEntryIsNamed(number: Int) throws {
    try append(1...5)
    let offsets = try offsets()
    var bytes = try contents(path)
    bytes.removeSubrange(offsets[number - 1]..<offsets[number])
    try write(bytes, to: path)
    let (numbers, damage) = try read()
    #expect(numbers == (1...5).map(UInt64.init).filter { $0 != UInt64(number) })
    #expect(damage == [.missing(UInt64(number)...UInt64(number))])
  }

  @Test func entriesInAnotherOrderAreNamed() throws {
    try append(1...4)
    let offsets = try offsets()
    let bytes = try contents(path)
    let swapped =
      bytes[..<offsets[1]] + bytes[offsets[2]..<offsets[3]] + bytes[offsets[1]..<offsets[2]]
      + bytes[offsets[3]...]
    try write(Array(swapped), to: path)
    #expect(try read().damage == [.missing(2...2), .altered(2)])
    let repeated = bytes[..<offsets[2]] + bytes[offsets[1]...]
    try write(Array(repeated), to: path)
    #expect(try read().damage == [.altered(2)])
  }

  /// Entries that somebody made without the key or copied from another log.
  @Test func foreignEntriesAreNamed() throws {
    let other = AuditLog(
      at: directory.path.appending("other"),
      key: AuditKey(bytes: SecretBytes([UInt8](repeating: 2, count: 32))))
    try other.append((1...3).map(AuditRecord.numbered), after: { .none })
    try append(1...2)
    let foreign = try contents(other.path)[(try offsets()[2])...]
    try write(try contents(path) + foreign, to: path)
    #expect(try read().damage == [.altered(3)])
    // The next append cuts off the entries that do not belong to the log.
    try append(3...3)
    #expect(try read().numbers == [1, 2, 3])
    #expect(try read().damage.isEmpty)
    #expect(try read(log(3)).damage == [.head])
  }

  /// The state after a process died between writing its entries and writing the head.
  @Test func entriesWithoutTheirHeadAreTakenIn() throws {
    try append(1...2)
    let before = try contents(path)
    try append(3...4)
    var bytes = try contents(path)
    bytes.replaceSubrange(0..<AuditHead.length, with: before[..<AuditHead.length])
    for cut in [0, 1, 10] {
      try write(Array(bytes.dropLast(cut)), to: path)
      #expect(try read().numbers == (cut == 0 ? [1, 2, 3, 4] : [1, 2, 3]))
      let next = cut == 0 ? 5 : 4
      try append(next...next)
      #expect(try read().numbers == (1...UInt64(next)).map { $0 })
      #expect(try read().damage.isEmpty)
    }
  }

  /// The state after a process died in the middle of an append, at each byte. The next append cuts
  /// off the incomplete entry, but no complete one.
  @Test func aTornAppendIsCutOffByTheNext() throws {
    try append(1...3)
    let before = try contents(path)
    try append(4...5)
    let after = try contents(path)
    let ends = try offsets()
    for end in before.count...after.count {
      try write(Array(before + after[before.count..<end]), to: path)
      // The number of complete entries: 1 to 3, and each later entry that is there to its last
      // byte.
      let whole = UInt64(ends.filter { $0 <= end }.count - 1)
      #expect(try read().numbers == (1...whole).map { $0 }, "\(end)")
      try append(Int(whole) + 1...Int(whole) + 1)
      let (numbers, damage) = try read()
      #expect(numbers == (1...whole + 1).map { $0 } && damage.isEmpty, "\(end)")
      #expect(try offsets().count == Int(whole) + 2, "\(end)")
    }
  }

  /// The state after a power failure: the end is lost, and the loss is detected.
  @Test func aLostEndShows() throws {
    try append(1...4)
    let offsets = try offsets()
    for (end, last) in [(offsets[3], 3), (offsets[3] - 1, 2), (offsets[3] + 3, 3), (offsets[0], 0)]
    {
      let whole = try contents(path)
      defer { try? write(whole, to: path) }
      try write(Array(whole.prefix(end)), to: path)
      let (numbers, damage) = try read()
      #expect(numbers == (0..<last).map { UInt64($0 + 1) })
      #expect(damage.contains(.missing(UInt64(last + 1)...4)))
      // The log continues, and the gap remains.
      try append(5...5)
      #expect(try read().numbers == numbers + [5])
      #expect(try read().damage == [.missing(UInt64(last + 1)...4)])
    }
  }

  /// A damaged entry before the lost end stays in its place, and so do the entries after it.
  @Test(arguments: 0..<4, [0, 1, 10])
  func whatIsBehindDamageOutlivesALostEnd(damaged: Int, cut: Int) throws {
    try append(1...6)
    let offsets = try offsets()
    for position in [4, 20, 60, offsets[damaged + 1] - offsets[damaged] - 1] {
      let whole = try contents(path)
      defer { try? write(whole, to: path) }
      var bytes = Array(whole.prefix(offsets[5] - cut))
      // One of these changes is to the length of the operation's name. The bytes are then no longer
      // an entry, but keep their length.
      bytes[offsets[damaged] + position] ^= 0x80
      try write(bytes, to: path)
      let (numbers, _) = try read()
      #expect(numbers.count == (cut == 0 ? 4 : 3))
      try append(7...8)
      #expect(try read().numbers == numbers + [7, 8])
      let damage = try read().damage
      #expect(damage.contains(.altered(UInt64(damaged + 1))))
      #expect(damage.contains(.missing((cut == 0 ? 6 : 5)...6)))
      let kept = cut == 0 ? offsets[5] : offsets[4]
      #expect(
        try contents(path).prefix(kept).dropFirst(AuditHead.length)
          == bytes[AuditHead.length..<kept])
    }
  }

  /// The end is lost, a process appends, and dies before it writes the head. The next process must
  /// not use the same number again.
  @Test func entriesBehindALostEndAreTakenIn() throws {
    try append(1...4)
    let head = try contents(path).prefix(AuditHead.length)
    try write(Array(contents(path).prefix(try offsets()[2])), to: path)
    try append(5...5)
    try write(Array(head + contents(path).dropFirst(AuditHead.length)), to: path)
    #expect(try read().numbers == [1, 2, 5])
    try append(6...6)
    #expect(try read().numbers == [1, 2, 5, 6])
    #expect(try read().damage == [.missing(3...4)])
  }

  /// Zeros in the place of entries look like many entries. The entries after them are still read.
  @Test(arguments: [4, 64, 400])
  func zerosTakeNoNumbers(count: Int) throws {
    try append(1...4)
    let entries = try contents(path).prefix(offsets()[3]) + [UInt8](repeating: 0, count: count)
    var head = try #require(try log().parseHead(Array(entries.prefix(AuditHead.length))))
    head.end = UInt64(entries.count)
    try write(try log().serialize(head) + entries.dropFirst(AuditHead.length), to: path)
    try append(5...6)
    #expect(try read().numbers == [1, 2, 3, 5, 6])
    #expect(try !read().damage.isEmpty)
  }

  /// A file is not a log only because it begins with zeros in place of the head. After a power
  /// failure, a log may consist of zeros only, or of entries after a head of zeros.
  @Test func nothingIsCutOffAFileThatIsNoLog() throws {
    let zeros = [UInt8](repeating: 0, count: AuditHead.length)
    for content in [zeros + patternBytes(40), zeros + zeros + [1], [0, 0, 1], patternBytes(40)] {
      try write(content, to: path)
      #expect(throws: AuditError.damaged([.head])) { try append(1...1) }
      #expect(try contents(path) == content)
    }
    for count in [0, 1, AuditHead.length, 5000] {
      try write([UInt8](repeating: 0, count: count), to: path)
      try append(1...2)
      #expect(try read().numbers == [1, 2])
    }
    try write(zeros + contents(path).dropFirst(AuditHead.length), to: path)
    try append(3...3)
    #expect(try read().numbers == [1, 2, 3])
  }

  @Test func aLogThatIsGoneIsMissing() throws {
    try append(1...3)
    let anchor = try #require(try log().anchor())
    try FileManager.default.removeItem(atPath: path.string)
    #expect(try read(anchor: anchor).damage == [.missing(1...3)])
    try log().append([AuditRecord.numbered(4)], after: { anchor })
    let (numbers, damage) = try read(anchor: anchor)
    #expect(numbers == [4] && damage == [.missing(1...3)])
    // If an older log is restored, it lacks records that the keystore has an anchor for.
    try write([], to: path)
    try append(1...2)
    #expect(try read(anchor: anchor).damage == [.missing(3...3)])
  }

  /// Somebody cuts off the last record that the keystore knows. Its number is not used again.
  @Test func aRecordThatWasCutOffStaysMissing() throws {
    try append(1...3)
    let older = try contents(path)
    try append(4...4)
    let anchor = try #require(try log().anchor())
    try write(older, to: path)
    #expect(try read(anchor: anchor).damage == [.missing(4...4)])
    try log().append([AuditRecord.numbered(5)], after: { anchor })
    let (numbers, damage) = try read(anchor: anchor)
    #expect(numbers == [1, 2, 3, 5] && damage == [.missing(4...4)])
    // The same is true if the keystore knows of later records.
    let later = try #require(try log().anchor())
    #expect(later.sequence == 5)
    try append(6...6)
    #expect(try read(anchor: later).damage == [.missing(4...4)])
  }

  /// An earlier version of the program used such a number again. The record that has the number now
  /// is another one.
  @Test func aNumberThatWasGivenAgainIsNoticed() throws {
    try append(1...3)
    let older = try contents(path)
    try append(4...4)
    let anchor = try #require(try log().anchor())
    try write(older, to: path)
    var record = AuditRecord.numbered(4)
    record.time += 1
    try log().append([record, AuditRecord.numbered(5)], after: { .none })
    #expect(try log().read(after: anchor) { _ in } == [.missing(4...4)])
    #expect(try log().read(after: .none) { _ in } == [])
  }

  @Test(arguments: [0, 1, 3, 5, 6])
  func aPrunedLogCanBeChecked(kept: Int) throws {
    try append(1...5)
    let anchor = try #require(try log().anchor())
    let first = 6 - kept
    #expect(try log().prune(before: Int64(first) * 1000, after: anchor) == max(0, first - 1))
    let (numbers, damage) = try read(anchor: anchor)
    #expect(numbers == (max(1, first)..<6).map(UInt64.init) && damage.isEmpty)
    try append(6...7)
    #expect(try read(anchor: anchor).numbers.suffix(2) == [6, 7])
    #expect(try read(anchor: anchor).damage.isEmpty)
    #expect(directory.names == ["log"])
  }

  @Test func whatIsDamagedIsNotPruned() throws {
    try append(1...5)
    var bytes = try contents(path)
    bytes[try offsets()[1] + 60] ^= 1
    try write(bytes, to: path)
    #expect(throws: AuditError.damaged([.altered(2)])) {
      try log().prune(before: 4000, after: .none)
    }
    #expect(try contents(path) == bytes)
  }

  @Test(arguments: [1, 4, 100, 133, 200])
  func strangeFilesAreNoLogs(count: Int) throws {
    try write(patternBytes(count), to: path)
    #expect(try read().damage == [.head])
    #expect(throws: AuditError.damaged([.head])) { try append(1...1) }
  }

  /// A length that leads beyond the end of the file, or is not that of an entry, is damage.
  @Test(arguments: [UInt32.max, 262_144, 262_145, 0, 1] as [UInt32])
  func hostileLengthsAreBounded(length: UInt32) throws {
    try append(1...1)
    let end = try contents(path)
    let prefix = withUnsafeBytes(of: length.bigEndian) { Array($0) }
    try write(end + prefix, to: path)
    #expect(try read().numbers == [1])
    #expect(try !read().damage.isEmpty)
  }

  /// Data that somebody appends by hand does not slow readers down: in a file of 1 TiB, only the
  /// log is read.
  @Test func aHugeEndCostsNothing() throws {
    try append(1...3)
    #expect(truncate(path.string, 1 << 40) == 0)
    #expect(try read().numbers == [1, 2, 3])
    #expect(try read().damage == [.altered(4)])
    #expect(try read(UnverifiedAuditLog(path)).numbers == [1, 2, 3])
    try append(4...4)
    #expect(try read().damage.isEmpty)
  }

  /// The state after a process died in the middle of the very first append, at each byte.
  @Test func aTornFirstAppendIsCutOffByTheNext() throws {
    try append(1...2)
    let whole = try contents(path)
    let zeros = [UInt8](repeating: 0, count: AuditHead.length)
    let ends = try offsets()
    for end in AuditHead.length...whole.count {
      try write(zeros + whole[AuditHead.length..<end], to: path)
      let kept = ends.filter { $0 <= end }.count - 1
      try append(kept + 1...kept + 1)
      let (numbers, damage) = try read()
      #expect(numbers == (0...kept).map { UInt64($0 + 1) } && damage.isEmpty, "\(end)")
    }
    // The length, the number or the size is not that of a part of the next entry.
    let torn = zeros + whole[AuditHead.length..<ends[1] - 1]
    for (offset, byte) in [(0, 1), (1, 5), (11, 2), (4, 1)] as [(Int, UInt8)] {
      var bytes = torn
      bytes[AuditHead.length + offset] = byte
      try write(bytes, to: path)
      #expect(throws: AuditError.damaged([.head])) { try append(1...1) }
      #expect(try contents(path) == bytes)
    }
    let longer = torn + patternBytes(2)
    try write(longer, to: path)
    #expect(throws: AuditError.damaged([.head])) { try append(1...1) }
    #expect(try contents(path) == longer)
  }

  /// A file of 2 TiB of zeros is a new log, and the zeros are not read.
  @Test func aHugeNewFileCostsNothing() throws {
    try write([], to: path)
    #expect(truncate(path.string, 2 << 40) == 0)
    #expect(try read().numbers == [])
    try append(1...1)
    #expect(try read().numbers == [1])
    #expect(try #require(try FileStatus.at(path)).size < 1000)
    // Zeros with other bytes far behind them are not a log.
    let zeros = [UInt8](repeating: 0, count: AuditHead.length)
    try write(zeros, to: path)
    #expect(truncate(path.string, 1 << 40) == 0)
    let handle = try FileHandle(forWritingTo: URL(filePath: path.string))
    try handle.seek(toOffset: 1 << 40)
    try handle.write(contentsOf: [1])
    try handle.close()
    #expect(throws: AuditError.damaged([.head])) { try append(1...1) }
  }

  /// Returns a head that nobody verified, and whose end is after 2 TiB of zeros.
  private func hugeHead() throws -> [UInt8] {
    var head = try #require(try log().parseHead(Array(contents(path).prefix(AuditHead.length))))
    head.end = 2 << 40
    return try head.bytes() + [UInt8](repeating: 0, count: AuditEntry.codeLength)
  }

  /// The zeros count as one damaged place, and are not read.
  @Test func zerosBeforeAHugeEndCostNothing() throws {
    try append(1...3)
    let reader = UnverifiedAuditLog(path)
    try write(try hugeHead() + contents(path).dropFirst(AuditHead.length), to: path)
    let entries = try contents(path)
    #expect(truncate(path.string, 2 << 40) == 0)
    let (numbers, damage) = try read(reader)
    #expect(numbers == [1, 2, 3] && damage.first == .altered(4) && damage.count <= 2)
    // So is a log that continues after them.
    try write(entries, to: path)
    #expect(truncate(path.string, Int(offset(after: entries.count))) == 0)
    let handle = try FileHandle(forWritingTo: URL(filePath: path.string))
    try handle.seek(toOffset: offset(after: entries.count))
    try handle.write(contentsOf: entries[AuditHead.length...])
    try handle.close()
    #expect(try read(reader).damage == [.altered(4), .altered(1), .altered(2), .altered(3)])
  }

  /// Returns an offset far behind `end`, and a multiple of the size of a length after it.
  private func offset(after end: Int) -> UInt64 { UInt64(end) + (1 << 40) }

  /// Entries that are damaged one by one do not fill the memory with reports.
  @Test func findingsAreBounded() throws {
    try append(1...1)
    // Each is a length of 1 and one byte.
    let junk = [UInt8]((0..<50_000).flatMap { _ in [0, 0, 0, 1, 7] as [UInt8] })
    try write(try hugeHead() + contents(path).dropFirst(AuditHead.length) + junk, to: path)
    let (numbers, damage) = try read(UnverifiedAuditLog(path))
    #expect(numbers == [1] && damage.first == .altered(2) && damage.count <= 10_001)
  }

  /// A copy of a damaged or unfinished log takes no more space than the log.
  @Test(arguments: [false, true])
  func aCopyKeepsHoles(hasHead: Bool) throws {
    try append(1...3)
    var bytes = try contents(path)
    bytes.replaceSubrange(
      0..<AuditHead.length,
      with: try hasHead ? hugeHead() : [UInt8](repeating: 1, count: AuditHead.length))
    try write(bytes, to: path)
    #expect(truncate(path.string, 2 << 40) == 0)
    let target = directory.path.appending("copy")
    _ = try UnverifiedAuditLog(path).copy {
      try AuditFile(new: target, beside: AuditPlace(path))
    }
    var status = stat()
    #expect(stat(target.string, &status) == 0)
    #expect(status.st_size == 2 << 40 && status.st_blocks < 4096)
    let handle = try FileHandle(forReadingFrom: URL(filePath: target.string))
    #expect(try handle.read(upToCount: bytes.count).map(Array.init) == bytes)
    if hasHead { #expect(try UnverifiedAuditLog.continues(path, in: target)) }
  }

  @Test func manyAtOnceMakeOneChain() async throws {
    let path = path
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          for _ in 0..<20 {
            #expect(throws: Never.self) {
              try AuditLog(
                at: path, key: AuditKey(bytes: SecretBytes([UInt8](repeating: 1, count: 32)))
              ).append([AuditRecord.numbered(writer)], after: { .none })
            }
          }
        }
      }
    }
    var count = 0
    let damage = try log().read(after: .none) { _ in count += 1 }
    #expect(count == 160 && damage.isEmpty)
  }

  /// A log can be read without its key. Then only its shape can be checked.
  @Test(arguments: [0, 1 << 63, UInt64.max])
  func numbersThatNoLogHasAreNoNumbers(number: UInt64) throws {
    try append(1...2)
    let original = try contents(path)
    let reader = UnverifiedAuditLog(path)
    // The offsets of an entry's number (after its length) and of the head's first number, last
    // number and end.
    for offset in [AuditHead.length + 4, 5, 5 + 8 + 32 + 8, 5 + 8 + 32 + 8 + 8 + 32] {
      var bytes = original
      for index in 0..<8 {
        bytes[offset + index] = UInt8(truncatingIfNeeded: number >> (56 - 8 * index))
      }
      try write(bytes, to: path)
      let damage = try reader.read(after: .none) { _ in }
      // A head without entries after it is valid.
      if number == 0, offset == 5 + 8 + 32 + 8 { continue }
      #expect(!damage.isEmpty, "\(number) at \(offset)")
    }
  }
}
