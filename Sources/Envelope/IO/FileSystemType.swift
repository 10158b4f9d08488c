import CLinux
import SystemPackage

/// The types of file systems that other machines or programs can access too.
package enum FileSystemType {
  /// The names of the types whose files another machine or program stores.
  private static let remote: [UInt32: String] = [
    0x6969: "NFS", 0xFF53_4D42: "CIFS", 0xFE53_4D42: "SMB", 0x517B: "SMB", 0x0102_1997: "9P",
    0x6573_5546: "FUSE", 0x5346_414F: "AFS", 0x7375_7245: "Coda", 0x00C3_6400: "Ceph",
    0x0BD0_0BD0: "Lustre", 0x4750_4653: "GPFS", 0x1983_0326: "BeeGFS", 0x0116_1970: "GFS2",
    0x7461_636F: "OCFS2", 0x786F_4256: "VirtualBox shared folder",
    0xBACB_ACBC: "VMware shared folder",
  ]

  /// The name of the file system at `path` if another machine or program stores its files; nil for
  /// a disk of this machine.
  package static func remoteName(at path: FilePath) -> String? {
    remote[path.withPlatformString { envcrypt_file_system_type($0) }]
  }

  /// True if a pipe has no name in any directory (pipefs).
  static func isOfPipes(_ descriptor: Descriptor) -> Bool {
    envcrypt_file_system_type_of(descriptor.number) == 0x5049_5045
  }

  /// True if a directory is in /proc, where the text of a link is not its real target.
  static func isProc(_ directory: Descriptor) -> Bool {
    envcrypt_file_system_type_of(directory.number) == 0x9FA0
  }

  /// True if the files of the file system are in memory (tmpfs, ramfs).
  static func isInMemory(_ directory: Descriptor) -> Bool {
    [0x0102_1994, 0x8584_58F6].contains(envcrypt_file_system_type_of(directory.number))
  }

  static func remoteName(ofType type: UInt32) -> String? { remote[type] }
}
