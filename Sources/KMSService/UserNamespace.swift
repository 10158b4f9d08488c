import CLinux
import Glibc

/// The IDs that users have for this process. In a user namespace (`unshare -r`, a rootless container) they differ from
/// those outside. Its maker says which ID stands for which user outside, and 0 may be anybody. But only the maker
/// himself, and users whose files he has power over, can get an ID in it.
struct UserNamespace: Equatable {
  /// The ID that the system's root has here. If he has none, it is the ID that stands for all users without one. Nil if
  /// the kernel does not say.
  let rootID: uid_t?
  /// As the namespace says. It may be wrong, because its maker can mount another file over the one that says it.
  private let ranges: [Range]

  /// Consecutive IDs, here and in the namespace around this one.
  private struct Range: Equatable {
    let inside: uid_t
    let outside: uid_t
    let count: uid_t
  }

  /// The maker of a namespace.
  enum Maker {
    /// The system's root.
    case root
    /// The owner of the keystore, or somebody with power over his files.
    case keystoreOwner
    /// Perhaps somebody else.
    case anybody
  }

  /// The ID that stands for all users without one, unless the system was told to use another.
  private static let overflowID: uid_t = 65534
  private static let mapPath = "/proc/self/uid_map"

  /// `map` is as in `/proc/self/uid_map`.
  init(rootID: uid_t?, map: String) {
    self.rootID = rootID
    ranges = map.split(separator: "\n").compactMap { line in
      let numbers = line.split(separator: " ").compactMap { uid_t($0) }
      guard numbers.count == 3 else { return nil }
      return Range(inside: numbers[0], outside: numbers[1], count: numbers[2])
    }
  }

  /// The one of this process.
  static func current() -> UserNamespace {
    let owner = envcrypt_kernel_owner()
    // The usual case, in every command. The rest matters only in a namespace.
    if owner == 0, geteuid() != overflowID { return .system }
    return UserNamespace(rootID: owner < 0 ? nil : uid_t(owner), map: readMap())
  }

  /// The one in which a system starts. Every other one in which all users have the same IDs is as good.
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

  /// True if the ID is one user's, and does not also stand for users without one.
  func isUnique(_ id: uid_t) -> Bool {
    isRoots ? id != Self.overflowID || self == .system : id != rootID
  }

  /// The maker, told by the users that have an ID: `owner` is the ID under which the keystore's owner is seen here.
  func maker(ifKeystoreOwnerIs owner: uid_t) -> Maker {
    guard let rootID else { return .anybody }
    if rootID == 0 { return .root }
    return isUnique(owner) ? .keystoreOwner : .anybody
  }

  /// The ID of a user in the namespace around this one, nil if it is not known.
  func outsideID(of id: uid_t) -> uid_t? {
    let range = ranges.first { id >= $0.inside && id - $0.inside < $0.count }
    return range.map { $0.outside &+ (id - $0.inside) }
  }
}
