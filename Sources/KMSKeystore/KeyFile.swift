import Envelope
import Glibc
import SystemPackage

/// The file of a key-file protector: random bytes, kept apart from the keystore.
package enum KeyFile {
  /// The sizes of a key file. A shorter one could be guessed; a longer file is not a key file.
  package static let sizes = 32...(1 << 20)

  /// Reads a key file for a new protector. Refuses files that envcrypt or SQLite changes, and
  /// messages, which others may have. Throws `KeystoreError.unusableKeyFile`,
  /// `FileRuleError.openToOthers`, `IOError`.
  package static func readForNewProtector(_ path: FilePath) throws -> SecretBytes {
    let bytes = try read(path)
    guard let kind = NoKeyMaterial(bytes) else { return bytes }
    throw Self.error(path, kind)
  }

  /// Returns the error for a file that is not a key file.
  static func error(_ path: FilePath, _ kind: NoKeyMaterial) -> KeystoreError {
    .unusableKeyFile(path, "it is \(kind.rawValue), and not a key file")
  }

  /// Reads the key file of a protector, whatever the file contains: the protector may be older than
  /// the rule for new protectors. Throws `KeystoreError.unusableKeyFile`,
  /// `FileRuleError.openToOthers`, `IOError`.
  package static func read(_ path: FilePath) throws -> SecretBytes {
    let descriptor = try Descriptor.openInput(path, waiting: false)
    let status = try descriptor.status()
    guard status.kind == .regular else {
      throw KeystoreError.unusableKeyFile(path, "it is not a regular file")
    }
    try status.requirePrivate(path)
    guard sizes.contains(Int(status.size)) else {
      throw KeystoreError.unusableKeyFile(
        path,
        "it has \(status.size) bytes, a key file has \(sizes.lowerBound) to \(sizes.upperBound)")
    }
    let bytes = try SecretBytes(count: Int(status.size)) { span in
      guard try FileRegion(descriptor)?.fill(&span, at: 0) == span.byteCount else {
        throw KeystoreError.unusableKeyFile(path, "it shrank while it was read")
      }
    }
    // Closing a descriptor of the keystore's file would release SQLite's locks on it.
    if NoKeyMaterial(bytes) == .keystore { descriptor.keepOpen() }
    return bytes
  }

  /// Creates a file of 32 random bytes with mode 0600. It is on the disk when this function
  /// returns. Never touches an existing file. `reserved` names the files that can never be a key
  /// file. The file stays recorded in `leftovers`, until the caller has stored its protector and
  /// calls `forget`.
  package static func create(
    _ path: FilePath, reserved: (any ReservedFiles)? = nil, leftovers: Leftovers
  ) throws {
    let bytes = try SecretBytes.random(count: sizes.lowerBound)
    let file = try OutputFile(
      path, replacing: false, permissions: 0o600, reserved: reserved, leftovers: leftovers)
    try bytes.withBytes { try file.write($0) }
    try leftovers.withoutEnding {
      try file.commit(synchronizing: true)
      leftovers.add(path)
    }
  }
}
