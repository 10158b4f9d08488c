import CLinux
import SystemPackage

extension FileStatus {
  /// True if something is mounted at `path`, as `mount --bind` does with a file. The file then has
  /// another name too, which its link count does not show. Does not follow a symbolic link.
  package static func isMountPoint(_ path: FilePath) -> Bool {
    path.withPlatformString { envcrypt_is_mount_point($0) == 1 }
  }
}
