import Glibc
import SystemPackage

/// Why the mode of a keystore's file is not all that decides who has its keys. It matters where a
/// protector `none` leaves the root key in the clear.
public enum KeystoreExposure: Equatable, Sendable {
  /// The file is on a file system that others hold, of this name.
  case remote(String)
  /// Others than the owner may put another file in its place: they may write this directory.
  case writableDirectory(FilePath, permissions: UInt32)
  /// So may the user that this directory belongs to.
  case foreignDirectory(FilePath, owner: UInt32)

  /// What is to be said of the file at `path`, which `owner` owns.
  static func all(of path: FilePath, owner: uid_t) -> [KeystoreExposure] {
    var exposures: [KeystoreExposure] = []
    if let name = FileSystemType.remoteName(at: path) { exposures.append(.remote(name)) }
    var directory = resolved(path).directory
    while true {
      if let status = try? FileStatus.at(directory) {
        if let exposure = self.exposure(directory, status, owner: owner) {
          exposures.append(exposure)
        }
      }
      let parent = directory.directory
      if parent == directory || parent.isEmpty { return exposures }
      directory = parent
    }
  }

  /// A user that a namespace does not know shows as this one: the owner of `/` in a container.
  private static let unknownUser: uid_t = 65534

  static func exposure(
    _ directory: FilePath, _ status: FileStatus, owner: uid_t
  ) -> KeystoreExposure? {
    if ![0, owner, geteuid(), unknownUser].contains(status.owner) {
      return .foreignDirectory(directory, owner: status.owner)
    }
    // A group with its user's number is that user's alone, by custom; another one shares the directory
    // where its mode says so.
    let isTrusted = status.group == status.owner || status.isSharedByGroup
    let others: mode_t = isTrusted ? 0o002 : 0o022
    guard status.permissions & others != 0, !status.isSticky else { return nil }
    return .writableDirectory(directory, permissions: UInt32(status.permissions))
  }

  private static func resolved(_ path: FilePath) -> FilePath {
    path.withPlatformString { pointer in
      guard let resolved = realpath(pointer, nil) else { return path }
      defer { free(resolved) }
      return FilePath(platformString: resolved)
    }
  }
}

extension Keystore {
  /// What the file's mode does not show, where a protector `none` is among the protectors.
  public func exposures() throws -> [KeystoreExposure] {
    guard try protectors().contains(where: { $0.kind == .none }) else { return [] }
    return KeystoreExposure.all(of: path, owner: owner)
  }
}
