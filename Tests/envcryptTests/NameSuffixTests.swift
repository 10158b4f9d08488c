import SystemPackage
import Testing

@testable import envcrypt

@Suite struct NameSuffixTests {
  @Test(arguments: [".x", ".envc", "..", ".a.b", ". ", ".\u{10FEFF}", ".é"])
  func aSuffixBeginsWithADot(argument: String) throws {
    let suffix = try #require(NameSuffix(argument: argument))
    let name = FilePath("d/name")
    #expect(suffix.appended(to: name).argument == "d/name" + argument)
    #expect(suffix.removed(from: suffix.appended(to: name)) == name)
  }

  @Test(arguments: ["", ".", "x", "envc", "/", "./", ".x/", "./x", "é."])
  func othersAreRefused(argument: String) {
    #expect(NameSuffix(argument: argument) == nil)
  }

  @Test(arguments: ["a", "a.x", ".envc", "d/.envc", "...envc", "a.envc.", "a.ENVC", "envc"])
  func whatIsLeftIsTheNameOfAFile(path: String) {
    #expect(NameSuffix.standard.removed(from: FilePath(path)) == nil)
    #expect(!NameSuffix.standard.ends(FilePath(path)))
  }
}

/// Paths of descriptors that are already open.
@Suite struct DescriptorPathTests {
  @Test(arguments: [
    "-", "/dev/stdin", "/dev/fd/0", "/dev/fd/63", "//dev//fd/7", "/dev/./fd/7", "/dev/x/../fd/7",
    "/proc/self/fd/3", "/proc/thread-self/fd/3", "/proc/12/fd/3",
  ])
  func descriptorsHaveNoName(path: String) {
    #expect(FilePath(path).namesDescriptor)
  }

  @Test(arguments: [
    "", "a", "./-", "dev/stdin", "/dev/fd", "/dev/fd/x", "/dev/fd/1/a", "/dev/stdin/a", "/dev/null",
    "/dev/sda", "/proc/self/fd", "/proc/self/fd/x", "/proc/x/fd/3", "/proc/self/maps",
    "/x/dev/fd/1",
  ])
  func filesHaveOne(path: String) {
    #expect(!FilePath(path).namesDescriptor)
  }
}
