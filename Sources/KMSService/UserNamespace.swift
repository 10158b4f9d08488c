import CLinux
import Glibc

/// The IDs of users in this process's user namespace. In a namespace (`unshare -r`, a rootless
/// container), users have other IDs than outside. The maker of the namespace decides which ID
/// stands for which user outside, and 0 can be anybody. But only the maker himself, and users over
/// whose files he has power, can have an ID in it.
struct UserNamespace: Equatable {
  /// The ID of the system's root in this namespace. If root has no ID here, it is the ID that
  /// stands for all users without one. Nil if the kernel does not tell.
  let rootID: uid_t?
  /// The IDs according to the namespace. They may be wrong, because the maker can mount another
  /// file over `/proc/self/uid_map`.
  private let ranges: [Range]

  /// Consecutive IDs, in this namespace and in the one around it.
  private struct Range: Equatable {
    let inside: uid_t
    let outside: uid_t
    let count: uid_t
  }

  /// The user who made a namespace.
  enum Maker {
    /// The system's root.
    case root
    /// The owner of the keystore, or somebody with power over his files.
    case keystoreOwner
    /// Possibly somebody else.
    case anybody
  }

  /// The ID that stands for all users without one, unless the system is configured to use another
  /// ID.
  private static let overflowID: uid_t = 65534
  private static let mapPath = "/proc/self/uid_map"

  /// Makes a namespace. `map` has the format of `/proc/self/uid_map`.
  init(rootID: uid_t?, map: String) {
    self.rootID = rootID
    ranges = map.split(separator: "\n").compactMap { line in
      let numbers = line.split(separator: " ").compactMap { uid_t($0) }
      guard numbers.count == 3 else { return nil }
      return Range(inside: numbers[0], outside: numbers[1], count: numbers[2])
    }
  }

  /// Returns the namespace of this process.
  static func current() -> UserNamespace {
    let owner = envcrypt_kernel_owner()
    // This is the usual case, and happens in every command. The rest is needed only in a namespace.
    if owner == 0, geteuid() != overflowID { return .system }
    return UserNamespace(rootID: owner < 0 ? nil : uid_t(owner), map: readMap())
  }

  /// The namespace in which a system starts. Any other namespace is equivalent if all users have
  /// the same IDs in it.
  static let system = UserNamespace(rootID: 0, map: "0 0 4294967295")

  private static func readMap() -> String {
    guard let file = fopen(mapPath, "re") else { return "" }
    defer { fclose(file) }
    // A map has at most 340 lines.
    var bytes = [UInt8](repeating: 0, count: 16 << 10)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  /// True if user 0 is the system's root.
  var isRoots: Bool { rootID == 0 }

  /// Returns true if the ID belongs to one user, and does not also stand for users without an ID.
  func isUnique(_ id: uid_t) -> Bool {
    isRoots ? id != Self.overflowID || self == .system : id != rootID
  }

  /// Returns the maker, as far as the users that have an ID show it. `owner` is the ID that the
  /// keystore's owner has here.
  func maker(ifKeystoreOwnerIs owner: uid_t) -> Maker {
    guard let rootID else { return .anybody }
    if rootID == 0 { return .root }
    return isUnique(owner) ? .keystoreOwner : .anybody
  }

  /// Returns the ID of a user in the namespace around this one; nil if it is not known.
  func outsideID(of id: uid_t) -> uid_t? {
    let range = ranges.first { id >= $0.inside && id - $0.inside < $0.count }
    return range.map { $0.outside &+ (id - $0.inside) }
  }
}
