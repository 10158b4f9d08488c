import Glibc
import SystemPackage

/// The open file of an audit log.
final class AuditFile {
  private let descriptor: Descriptor

  /// One that is open already.
  init(_ descriptor: Descriptor) { self.descriptor = descriptor }

  /// Opens for reading and writing; what is not there is made with these permissions, where there are
  /// some.
  init(_ path: FilePath, creating permissions: mode_t?) throws {
    let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW
    var number = Descriptor.retrying { path.withPlatformString { open($0, flags) } }
    if number < 0, systemErrno() == ENOENT, let permissions {
      number = Descriptor.retrying {
        path.withPlatformString { open($0, flags | O_CREAT | O_EXCL, permissions) }
      }
      if number >= 0 {
        // The umask can take bits away, never add them.
        guard fchmod(number, permissions) == 0 else {
          let reason = Errno.current
          close(number)
          throw IOError(.createOutput, path, reason)
        }
      } else if systemErrno() == EEXIST {
        // Somebody was faster.
        number = Descriptor.retrying { path.withPlatformString { open($0, flags) } }
      }
    }
    if number < 0, permissions == nil, [EACCES, EROFS].contains(systemErrno()) {
      // It can be read where it cannot be written.
      number = Descriptor.retrying {
        path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
      }
    }
    guard number >= 0 else { throw IOError.current(.createOutput, path) }
    descriptor = Descriptor(owning: number, path: path)
  }

  func lock() throws {
    guard Descriptor.retrying({ flock(descriptor.number, LOCK_EX) }) == 0 else {
      throw IOError.current(.write, descriptor.path)
    }
  }

  func unlock() { flock(descriptor.number, LOCK_UN) }

  func status() throws(IOError) -> FileStatus { try descriptor.status() }

  func synchronize() throws(IOError) {
    guard fdatasync(descriptor.number) == 0 else { throw .current(.write, descriptor.path) }
  }

  func truncate(to count: Int64) throws(IOError) { try descriptor.truncate(to: count) }

  /// At most `count` bytes from `offset` on.
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
    return Array(bytes.prefix(done))
  }

  func write(_ bytes: [UInt8], at offset: Int64) throws {
    var done = 0
    while done < bytes.count {
      done += try descriptor.write(
        bytes.span.bytes.extracting(droppingFirst: done), at: offset + Int64(done))
    }
  }
}
