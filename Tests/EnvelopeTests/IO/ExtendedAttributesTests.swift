import CLinux
import Glibc
import Testing

@testable import Envelope
@testable import TestSupport

/// Extended attributes of copies. File systems without them skip the checks.
@Suite struct ExtendedAttributesTests {
  let directory: TemporaryDirectory
  let lost = LostAttributes()

  init() throws { directory = try TemporaryDirectory() }

  private func file(_ name: String) -> Descriptor {
    let path = directory.path.appending(name)
    return Descriptor(owning: open(path.string, O_CREAT | O_RDWR | O_CLOEXEC, 0o600), path: path)
  }

  private func set(_ name: String, _ value: [UInt8], _ file: Descriptor) -> Bool {
    value.withUnsafeBytes { envcrypt_set_attribute(file.number, name, $0.baseAddress, $0.count) }
      == 0
  }

  private func get(_ name: String, _ file: Descriptor) -> [UInt8]? {
    var value = [UInt8](repeating: 0, count: 70_000)
    let count = envcrypt_attribute(file.number, name, &value, value.count)
    return count < 0 ? nil : Array(value[..<count])
  }

  @Test func aCopyHasTheSameAttributes() throws {
    let (source, copy) = (file("source"), file("copy"))
    guard set("user.a", [1, 2, 0, 3], source) else { return }
    #expect(set("user.empty", [], source))
    #expect(set("user.other", [9], copy))
    ExtendedAttributes(of: source, noting: lost).set(on: copy, noting: lost)
    #expect(get("user.a", copy) == [1, 2, 0, 3])
    #expect(get("user.empty", copy) == [])
    #expect(get("user.other", copy) == nil)
    #expect(lost.all.isEmpty)
  }

  /// Without the others, they stay as they are.
  @Test func onlyACLsLeaveTheOthers() throws {
    let (source, copy) = (file("source"), file("copy"))
    guard set("user.a", [1], source) else { return }
    #expect(set("user.other", [9], copy))
    ExtendedAttributes(of: source, noting: lost).onlyACLs.set(on: copy, noting: lost)
    #expect(get("user.a", copy) == nil)
    #expect(get("user.other", copy) == [9])
  }

  @Test func whatCannotBeSetIsNoted() throws {
    let source = file("source")
    guard set("user.a", [1], source) else { return }
    let attributes = ExtendedAttributes(of: source, noting: lost)
    let closed = Descriptor(owning: open("/dev/null", O_RDONLY | O_CLOEXEC), path: "null")
    attributes.set(on: closed, noting: lost)
    #expect(lost.all.map(\.kind) == [.extendedAttributes])
  }
}
