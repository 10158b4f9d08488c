import Glibc
import SystemPackage
import Testing

@testable import Envelope
@testable import TestSupport

/// The hold on a file that nobody has open for writing.
@Suite struct QuietLeaseTests {
  let directory: TemporaryDirectory
  let path: FilePath

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path.appending("file")
    try write([1], to: path)
  }

  private func openForWriting() -> Int32 {
    path.withPlatformString { open($0, O_WRONLY | O_NONBLOCK | O_CLOEXEC) }
  }

  @Test func aFileThatIsOpenForWritingIsNotHeld() throws {
    let writer = openForWriting()
    let file = try Descriptor.openInput(path)
    let outcome = QuietLease.take(file)
    #expect(outcome == .isOpenForWriting || outcome == .notAvailable)
    close(writer)
    #expect(QuietLease.take(file) == (outcome == .notAvailable ? .notAvailable : .held))
  }

  /// The signal of the system does not end the process, and the file can be read and removed.
  @Test func writersWaitAsLongAsTheFileIsHeld() throws {
    let file = try Descriptor.openInput(path)
    guard QuietLease.take(file) == .held else { return }
    let writer = openForWriting()
    #expect(writer < 0 && errno == EWOULDBLOCK)
    let other = try Descriptor.openInput(path)
    #expect(try other.status().size == 1)
    let result = path.withPlatformString { unlink($0) }
    #expect(result == 0)
  }
}
