import CLinux
import Glibc
import SystemPackage

/// The extended attributes of a file or a directory, and its ACLs, which the system keeps as such
/// attributes.
package struct ExtendedAttributes: Sendable {
  private struct Attribute {
    /// The name, with a NUL at the end.
    let name: [CChar]
    let value: [UInt8]
  }

  /// The attributes other than ACLs; nil if they are not to be changed.
  private var attributes: [Attribute]?
  private let acls: [Attribute]

  /// The most bytes of all values of one file. The system allows 64 KiB for each value.
  private static let sizeLimit = 1 << 20
  /// The most bytes of an ACL: about a thousand entries.
  private static let aclLimit = 8 << 10

  /// Reads the attributes of an open file. Notes in `lost` those that cannot be read.
  package init(of file: Descriptor, noting lost: LostAttributes) {
    var attributes: [Attribute] = []
    var acls: [Attribute] = []
    var size = 0
    for name in Self.names(of: file) {
      guard let kind = Kind(name) else { continue }
      guard let value = Self.value(name, of: file) else {
        lost.note(kind.loss, file.path)
        continue
      }
      size += value.count
      guard size <= Self.sizeLimit, kind == .other || value.count <= Self.aclLimit else {
        lost.note(kind.loss, file.path)
        continue
      }
      switch kind {
      case .acl: acls.append(Attribute(name: name, value: value))
      case .other: attributes.append(Attribute(name: name, value: value))
      }
    }
    self.attributes = attributes
    self.acls = acls
  }

  /// Only the ACLs.
  var onlyACLs: ExtendedAttributes {
    var copy = self
    copy.attributes = nil
    return copy
  }

  // MARK: Names

  /// True if an open file has attributes that a copy could keep. Does not count the labels that a
  /// security module gives to every file.
  package static func areOn(_ file: Descriptor) -> Bool {
    names(of: file).contains { Kind($0) != nil && !Kind.isLabel($0) }
  }

  /// True if an open file has all attributes of another one, ACLs too.
  package static func allAreKept(of original: Descriptor, on copy: Descriptor) -> Bool {
    let unreadable = LostAttributes()
    let wanted = ExtendedAttributes(of: original, noting: unreadable)
    guard unreadable.all.isEmpty else { return false }
    return ((wanted.attributes ?? []) + wanted.acls).allSatisfy { attribute in
      Kind.isLabel(attribute.name) || value(attribute.name, of: copy) == attribute.value
    }
  }

  private enum Kind {
    case acl, other

    /// Nil for an attribute that is not copied: root copies all but those of the system, and those
    /// with which the kernel checks the contents, which are others in the copy. A user copies
    /// those of users.
    init?(_ name: [CChar]) {
      if Self.begins(name, with: "system.posix_acl_") {
        self = .acl
      } else if Self.begins(name, with: "user.") {
        self = .other
      } else if geteuid() == 0, Self.begins(name, with: "trusted.") || Self.isSecurity(name) {
        self = .other
      } else {
        return nil
      }
    }

    /// True for the attribute with which a security module labels every file.
    static func isLabel(_ name: [CChar]) -> Bool {
      begins(name, with: "security.selinux") || begins(name, with: "security.SMACK64")
    }

    /// True for the attributes of security modules, and capabilities.
    static func isSecurity(_ name: [CChar]) -> Bool {
      begins(name, with: "security.") && !begins(name, with: "security.ima")
        && !begins(name, with: "security.evm")
    }

    static func begins(_ name: [CChar], with start: String) -> Bool {
      name.lazy.map { UInt8(bitPattern: $0) }.starts(with: start.utf8)
    }

    var loss: LostAttributes.Kind { self == .acl ? .acl : .extendedAttributes }
  }

  private static func names(of file: Descriptor) -> [[CChar]] {
    // Another process may add attributes after their size was asked for.
    for _ in 0..<4 {
      let size = envcrypt_list_attributes(file.number, nil, 0)
      guard size > 0, size <= sizeLimit else { return [] }
      var list = [CChar](repeating: 0, count: size)
      let count = envcrypt_list_attributes(file.number, &list, size)
      guard count >= 0 else { continue }
      return list[..<count].split(separator: 0).map { Array($0) + [0] }
    }
    return []
  }

  private static func value(_ name: [CChar], of file: Descriptor) -> [UInt8]? {
    for _ in 0..<4 {
      let size = envcrypt_attribute(file.number, name, nil, 0)
      guard size >= 0, size <= sizeLimit else { return nil }
      if size == 0 { return [] }
      var value = [UInt8](repeating: 0, count: size)
      let count = envcrypt_attribute(file.number, name, &value, size)
      if count >= 0 { return Array(value[..<count]) }
    }
    return nil
  }

  // MARK: Setting

  /// Removes from an open file the attributes that are not among these, and sets these, except the
  /// ACLs. Notes in `lost` what is not possible.
  func set(on file: Descriptor, noting lost: LostAttributes) {
    let there = Self.names(of: file)
    for name in there where !acls.contains(where: { $0.name == name }) {
      if case .acl? = Kind(name) { _ = envcrypt_remove_attribute(file.number, name) }
    }
    guard let attributes else { return }
    for name in there where !attributes.contains(where: { $0.name == name }) {
      // A security module sets these on the copy. Do not remove them.
      if case .other? = Kind(name), !Kind.isSecurity(name) {
        _ = envcrypt_remove_attribute(file.number, name)
      }
    }
    for attribute in attributes { set(attribute, on: file, lost, .extendedAttributes) }
  }

  /// Sets the ACLs of an open file whose mode is set.
  func setACLs(on file: Descriptor, noting lost: LostAttributes) {
    for acl in acls { set(acl, on: file, lost, .acl) }
  }

  /// Notes that the ACLs are not set.
  func loseACLs(of path: FilePath, noting lost: LostAttributes) {
    if !acls.isEmpty { lost.note(.acl, path) }
  }

  private func set(
    _ attribute: Attribute, on file: Descriptor, _ lost: LostAttributes,
    _ loss: LostAttributes.Kind
  ) {
    let result = attribute.value.withUnsafeBytes {
      envcrypt_set_attribute(file.number, attribute.name, $0.baseAddress, $0.count)
    }
    if result != 0 { lost.note(loss, file.path) }
  }
}
