import Glibc
import SystemPackage
import Testing

@testable import Envelope
@testable import TestSupport

@Suite struct RealPathTests {
  @Test func linksAndDotsAreResolved() throws {
    let directory = try TemporaryDirectory()
    let real = try #require(directory.path.realPath)
    #expect(real.isAbsolute && real.realPath == real)
    let (file, link) = (real.appending("file"), real.appending("link"))
    close(open(file.string, O_CREAT | O_WRONLY, 0o600))
    #expect(symlink("./file", link.string) == 0)
    #expect(link.realPath == file)
    #expect(real.appending("./link").realPath == file)
  }

  @Test func aMissingFileHasNone() throws {
    let directory = try TemporaryDirectory()
    let link = directory.path.appending("link")
    #expect(symlink("gone", link.string) == 0)
    #expect(link.realPath == nil && FilePath("").realPath == nil)
  }
}
