import Envelope
import Glibc
import SystemPackage

/// The open file of an audit log.
final class AuditFile: Sendable {
  private let descriptor: Descriptor

  /// Uses a file that is open already.
  init(_ descriptor: Descriptor) { self.descriptor = descriptor }

  /// Opens the log for reading and writing. If it does not exist and `permissions` is not nil,
  /// creates it with the owner, group and mode of the keystore beside it. If there is no keystore,
  /// creates it with `permissions`.
  init(writing place: AuditPlace, creating permissions: mode_t?) throws {
    var number = place.open(O_RDWR)
    if number < 0, systemErrno() == ENOENT, let permissions {
      number = place.open(O_RDWR | O_CREAT | O_EXCL, permissions: permissions)
      if number >= 0 {
        descriptor = Descriptor(owning: number, path: place.path)
        if let keystore = try place.keystoreStatus() {
          try take(ownerAndModeOf: keystore)
        } else if fchmod(number, permissions) != 0 {
          // The umask can remove permissions, but never add them.
          throw IOError.current(.createOutput, place.path)
        }
        return
      }
      // Another process has just created it.
      if systemErrno() == EEXIST { number = place.open(O_RDWR) }
    }
    descriptor = try Self.checked(number, of: place, .write)
  }

  /// Creates a file with a hidden name beside the log.
  init(new hidden: FilePath, beside place: AuditPlace) throws {
    while true {
      let number = place.create(hidden)
      guard number >= 0 else { throw IOError.current(.createOutput, place.path) }
      let descriptor = Descriptor(owning: number, path: place.path)
      // If another process has removed the file as a leftover, create it again.
      guard HiddenFile.lock(number) else { continue }
      self.descriptor = descriptor
      return
    }
  }

  /// Opens the log for reading; nil if there is none. A log that is only copied or shown may have
  /// other names, as in a snapshot that consists of hard links.
  static func reading(_ place: AuditPlace, mayHaveOtherNames: Bool) throws -> AuditFile? {
    let number = place.open(O_RDONLY)
    if number < 0, systemErrno() == ENOENT { return nil }
    return AuditFile(try checked(number, of: place, .openInput, mayHaveOtherNames))
  }

  private static func checked(
    _ number: Int32, of place: AuditPlace, _ operation: IOError.Operation,
    _ mayHaveOtherNames: Bool = false
  ) throws -> Descriptor {
    guard number >= 0 else {
      // A symbolic link, a directory or a socket has the name.
      if [ELOOP, EISDIR, ENXIO].contains(systemErrno()) { throw AuditError.notAFile(place.path) }
      let reason = Errno.current
      let isThere = ((try? place.status()) ?? nil) != nil
      throw IOError(isThere ? operation : .createOutput, place.path, reason)
    }
    let descriptor = Descriptor(owning: number, path: place.path)
    let status = try descriptor.status()
    guard status.kind == .regular else { throw AuditError.notAFile(place.path) }
    if let fault = try place.fault(of: status, mayHaveOtherNames: mayHaveOtherNames) {
      throw AuditError.foreign(place.path, fault)
    }
    return descriptor
  }

  /// Throws `AuditError.locked` if another process holds a lock for all of `patience`.
  func lock(patience: Duration) throws {
    let isTaken: Bool
    do throws(Errno) {
      isTaken = try FileLock.take(descriptor.number, patience: patience)
    } catch {
      throw IOError(.write, descriptor.path, error)
    }
    guard isTaken else { throw AuditError.locked(descriptor.path) }
  }

  func unlock() { FileLock.release(descriptor.number) }

  func status() throws(IOError) -> FileStatus { try descriptor.status() }

  func synchronize() throws(IOError) {
    guard Descriptor.retrying({ fdatasync(descriptor.number) }) == 0 else {
      throw .current(.write, descriptor.path)
    }
  }

  func truncate(to count: Int64) throws(IOError) { try descriptor.truncate(to: count) }

  /// Gives the file the owner, group and mode of another file, as far as possible.
  func take(ownerAndModeOf status: FileStatus) throws(IOError) {
    try descriptor.take(ownerAndModeOf: status)
  }

  /// Reads `count` bytes from `offset` on, or fewer if the file ends before.
  func read(_ count: Int, at offset: Int64) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let done = try bytes.withUnsafeMutableBytes { bytes in
      var done = 0
      while done < count {
        var rest = MutableRawSpan(
          _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: bytes[done...]))
        let read = try descriptor.read(into: &rest, at: offset + Int64(done))
        if read == 0 { break }
        done += read
      }
      return done
    }
    if done < count { bytes.removeLast(count - done) }
    return bytes
  }

  func write(_ bytes: [UInt8], at offset: Int64) throws {
    var done = 0
    while done < bytes.count {
      done += try descriptor.write(
        bytes.span.bytes.extracting(droppingFirst: done), at: offset + Int64(done))
    }
  }

  static let pieceLength = 1 << 20

  /// Copies a range of bytes to another file, at `target`, which is its end. Holes stay holes:
  /// anybody who may write to a file can give it a hole that is larger than the disk.
  func copy(_ range: Range<Int64>, to output: AuditFile, at target: Int64) throws {
    var offset = range.lowerBound
    while let data = try data(in: offset..<range.upperBound) {
      offset = data.lowerBound
      while offset < data.upperBound {
        let count = min(data.upperBound - offset, Int64(Self.pieceLength))
        let piece = try read(Int(count), at: offset)
        // The file was truncated meanwhile.
        if piece.isEmpty { return }
        try output.write(piece, at: target + offset - range.lowerBound)
        offset += Int64(piece.count)
      }
    }
    // There may be a hole at the end.
    let end = try target + min(range.upperBound, status().size) - range.lowerBound
    if try output.status().size < end { try output.truncate(to: end) }
  }

  // MARK: Holes

  /// Returns the first bytes in `range` that are not in a hole of the file; nil if there are none.
  /// A hole consists of zeros that take no space on the disk, and may be huge.
  func data(in range: Range<Int64>) throws -> Range<Int64>? {
    guard !range.isEmpty, let start = try seek(Self.seekData, from: range.lowerBound),
      start < range.upperBound
    else { return nil }
    let end = try seek(Self.seekHole, from: start) ?? range.upperBound
    // The file may change meanwhile.
    return start..<max(start + 1, min(end, range.upperBound))
  }

  /// `SEEK_DATA` and `SEEK_HOLE` of Linux, which the Glibc module does not have.
  private static let seekData: Int32 = 3
  private static let seekHole: Int32 = 4

  /// Returns the first offset from `offset` on that is in a hole, or is not; nil if there is none.
  private func seek(_ kind: Int32, from offset: Int64) throws -> Int64? {
    let found = Int64(lseek(descriptor.number, off_t(offset), kind))
    if found >= 0 { return found }
    switch systemErrno() {
    case ENXIO: return nil
    // The file system does not know its holes.
    case EINVAL: return kind == Self.seekData ? offset : nil
    default: throw IOError.current(.read, descriptor.path)
    }
  }
}
