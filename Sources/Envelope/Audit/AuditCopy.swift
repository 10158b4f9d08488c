import SystemPackage

/// Copies of an audit log as it lies: no key is needed.
extension AuditLog {
  /// Writes the log into the file that `makeOutput` makes; nil where there is no log. Who appends
  /// meanwhile waits only while what came during the copying is copied too.
  func copy(to makeOutput: () throws -> AuditFile) throws -> AuditFile? {
    guard try FileStatus.at(path) != nil else { return nil }
    let output = try makeOutput()
    do {
      while try !copyOnce(to: output) {}
    } catch let error as IOError where error.operation == .createOutput {
      throw IOError(.openInput, error.path, error.errno)
    }
    return output
  }

  /// False where pruning has put another log in the place of the one that was copied.
  private func copyOnce(to output: AuditFile) throws -> Bool {
    let file = try lockedFile(creating: false)
    // Entries that the head knows are never written again; a damaged log is copied as it is.
    let settled = try min((try? readHead(of: file))?.end ?? 0, UInt64(file.status().size))
    file.unlock()
    try file.copy(Int64(0)..<Int64(settled), to: output)
    try file.lock()
    defer { file.unlock() }
    guard try isInPlace(file) else { return false }
    let size = try file.status().size
    if size > Int64(settled) { try file.copy(Int64(settled)..<size, to: output) }
    // The head is written anew with every append.
    try file.copy(0..<min(Int64(AuditHead.length), size), to: output)
    try output.truncate(to: size)
    return true
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

  /// Nil where the head is damaged.
  private static func head(of path: FilePath) throws -> AuditHead? {
    guard let file = try opened(path) else { return nil }
    do {
      return try AuditLog(reading: path).readHead(of: file)
    } catch is AuditError {
      return nil
    }
  }

  /// Nil for what is no file of ours.
  private static func opened(_ path: FilePath) throws -> AuditFile? {
    guard try FileStatus.at(path, followingLinks: false)?.kind == .regular else { return nil }
    return AuditFile(try Descriptor.openInput(path))
  }
}

extension AuditFile {
  static let pieceLength = 1 << 20

  /// Copies the bytes of a range to the same place in another file.
  func copy(_ range: Range<Int64>, to output: AuditFile) throws {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = min(range.upperBound - offset, Int64(Self.pieceLength))
      let piece = try read(Int(count), at: offset)
      // It was cut meanwhile.
      if piece.isEmpty { return }
      try output.write(piece, at: offset)
      offset += Int64(piece.count)
    }
  }
}
