import Foundation
import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSKeystore
@testable import TestSupport

@Suite struct KeystoreExposureTests {
  private func status(_ directory: FilePath) throws -> FileStatus {
    try #require(try FileStatus.at(directory))
  }

  @Test(arguments: [
    (0o700, false), (0o755, false), (0o1777, false), (0o1775, false), (0o777, true), (0o757, true),
    (0o702, true),
  ])
  func aDirectoryThatOthersMayWriteIsNamed(mode: Int, isExposed: Bool) throws {
    let directory = try TemporaryDirectory()
    #expect(chmod(directory.path.string, mode_t(mode)) == 0)
    let found = KeystoreExposure.exposure(
      directory.path, try status(directory.path), owner: getuid())
    #expect(
      found
        == (isExposed
          ? .writableDirectory(directory.path, permissions: UInt32(mode & 0o777)) : nil))
  }

  /// A group whose number is the user's own number is private to the user. Other groups are not.
  @Test(.enabled(if: getuid() == 0)) func groupsAndOwnersAreLookedAt() throws {
    let directory = try TemporaryDirectory()
    func exposure(owner: uid_t, group: gid_t, mode: mode_t) throws -> KeystoreExposure? {
      #expect(chown(directory.path.string, owner, group) == 0)
      #expect(chmod(directory.path.string, mode) == 0)
      return KeystoreExposure.exposure(
        directory.path, try status(directory.path), owner: 1000)
    }
    #expect(try exposure(owner: 1000, group: 1000, mode: 0o775) == nil)
    #expect(
      try exposure(owner: 1000, group: 50, mode: 0o775)
        == .writableDirectory(directory.path, permissions: 0o775))
    // A directory that is shared on purpose and closed to others.
    #expect(try exposure(owner: 1000, group: 50, mode: 0o2770) == nil)
    #expect(
      try exposure(owner: 1000, group: 50, mode: 0o2775)
        == .writableDirectory(directory.path, permissions: 0o775))
    #expect(
      try exposure(owner: 1001, group: 1001, mode: 0o755)
        == .foreignDirectory(directory.path, owner: 1001))
    #expect(try exposure(owner: 0, group: 0, mode: 0o755) == nil)
    #expect(try exposure(owner: 65534, group: 65534, mode: 0o755) == nil)
  }

  /// The group may access a keystore if the directory is shared with that group and nobody else.
  @Test(
    .enabled(if: getuid() == 0),
    arguments: [
      (0o2770, 50, 0o660, true), (0o2770, 50, 0o640, true), (0o2770, 50, 0o600, true),
      (0o770, 50, 0o660, false), (0o2775, 50, 0o660, false), (0o2770, 51, 0o660, false),
      (0o2770, 50, 0o664, false), (0o2770, 50, 0o606, false), (0o2775, 50, 0o600, true),
    ] as [(mode_t, gid_t, mode_t, Bool)])
  func aGroupSharesAKeystoreOnPurpose(
    directoryMode: mode_t, directoryGroup: gid_t, fileMode: mode_t, isOpened: Bool
  ) throws {
    let directory = try TemporaryDirectory()
    let path = directory.path.appending("keystore.db")
    _ = try Keystore.create(at: path, protector: .none)
    #expect(chown(directory.path.string, getuid(), directoryGroup) == 0)
    #expect(chmod(directory.path.string, directoryMode) == 0)
    #expect(chown(path.string, getuid(), 50) == 0)
    #expect(chmod(path.string, fileMode) == 0)
    if isOpened {
      #expect(throws: Never.self) { try Keystore(at: path) }
    } else {
      let wanted = KeystoreError.loosePermissions(path, permissions: UInt32(fileMode))
      #expect(throws: wanted) { try Keystore(at: path) }
    }
  }

  @Test func everyDirectoryAboveIsLookedAt() throws {
    let outer = try TemporaryDirectory()
    let inner = outer.path.appending("a").appending("b")
    try FileManager.default.createDirectory(
      atPath: inner.string, withIntermediateDirectories: true)
    let path = inner.appending("keystore.db")
    _ = try Keystore.create(at: path, protector: .none)
    #expect(chmod(outer.path.string, 0o777) == 0)
    let wanted = KeystoreExposure.writableDirectory(outer.path, permissions: 0o777)
    #expect(try Keystore(at: path).exposures() == [wanted])
    // The exposure is also found through a symbolic link in another directory.
    let other = try TemporaryDirectory()
    let link = other.path.appending("link.db")
    #expect(symlink(path.string, link.string) == 0)
    #expect(try Keystore(at: link).exposures() == [wanted])

    final class Listener: UnlockingSecrets {
      let keyFile: FilePath? = nil
      private let all = Mutex<[[KeystoreExposure]]>([])
      var heard: [[KeystoreExposure]] { all.withLock { $0 } }
      func passphrase() -> SecretBytes? { nil }
      func hear(_ exposures: [KeystoreExposure], of path: FilePath) {
        all.withLock { $0.append(exposures) }
      }
    }
    let listener = Listener()
    let keystore = try Keystore(at: path)
    try keystore.unlock(listener)
    try keystore.unlock(listener)
    #expect(listener.heard == [[wanted]])
    #expect(chmod(outer.path.string, 0o700) == 0)
    try Keystore(at: path).unlock(listener)
    #expect(listener.heard.count == 1)
  }

  @Test func whatHasAPassphraseIsNotExposed() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path.appending("keystore.db")
    _ = try Keystore.create(
      at: path, protector: .passphrase(SecretBytes(Array("p".utf8))))
    #expect(chmod(directory.path.string, 0o777) == 0)
    #expect(try Keystore(at: path).exposures().isEmpty)
  }

  @Test func fileSystemsOfOthersAreKnown() {
    #expect(FileSystemType.remoteName(ofType: 0x6969) == "NFS")
    #expect(FileSystemType.remoteName(ofType: 0xFF53_4D42) == "CIFS")
    #expect(FileSystemType.remoteName(ofType: 0x6573_5546) == "FUSE")
    #expect(FileSystemType.remoteName(ofType: 0x0102_1997) == "9P")
    // ext4, tmpfs, btrfs, XFS, overlayfs, ZFS
    for type: UInt32 in [0xEF53, 0x0102_1994, 0x9123_683E, 0x5846_5342, 0x794C_7630, 0x2FC1_2FC1] {
      #expect(FileSystemType.remoteName(ofType: type) == nil)
    }
    #expect(FileSystemType.remoteName(at: "/proc") == nil)
    #expect(FileSystemType.remoteName(at: "/nowhere/at/all") == nil)
  }
}
