import Envelope
import Glibc
import SystemPackage

/// A reason why the mode of a keystore's file alone does not decide who can get its keys. It
/// matters if a protector `none` stores the root key in the clear.
package enum KeystoreExposure: Equatable, Sendable {
  /// The file is on a file system of this name, whose files another machine stores.
  case remote(String)
  /// Users other than the owner may write this directory, so they may put another file in the
  /// keystore's place.
  case writableDirectory(FilePath, permissions: UInt32)
  /// This directory belongs to another user, who may also put another file in the keystore's place.
  case foreignDirectory(FilePath, owner: UInt32)

  /// Returns the exposures of the file at `path`, which `owner` owns.
  static func all(of path: FilePath, owner: uid_t) -> [KeystoreExposure] {
    var exposures: [KeystoreExposure] = []
    if let name = FileSystemType.remoteName(at: path) { exposures.append(.remote(name)) }
    var directory = (path.realPath ?? path).directory
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

  /// The user ID (nobody) that the kernel shows for a user that a user namespace does not map, for
  /// example the owner of `/` in a container.
  private static let unknownUser: uid_t = 65534

  static func exposure(
    _ directory: FilePath, _ status: FileStatus, owner: uid_t
  ) -> KeystoreExposure? {
    if ![0, owner, geteuid(), unknownUser].contains(status.owner) {
      return .foreignDirectory(directory, owner: status.owner)
    }
    // By convention, a group with the same number as its user has no other members. Any other group
    // shares the directory on purpose if the mode says so (set-group-ID, no access for others).
    let isTrusted = status.group == status.owner || status.isSharedByGroup
    let others: mode_t = isTrusted ? 0o002 : 0o022
    guard status.permissions & others != 0, !status.isSticky else { return nil }
    return .writableDirectory(directory, permissions: UInt32(status.permissions))
  }
}

extension Keystore {
  /// Returns the exposures that the file's mode does not show; empty without a protector `none`.
  package func exposures() throws -> [KeystoreExposure] {
    guard try protectors().contains(where: { $0.kind == .none }) else { return [] }
    return KeystoreExposure.all(of: path, owner: owner)
  }
}
