import SystemPackage

/// The rule for every file that a secret is read from: key files, passphrases, private keys.
extension FileStatus {
  /// Throws `FileRuleError.openToOthers` if others than its owner may read or change the file at
  /// `path`. Pipes and devices pass: nobody reads what went through them.
  public func requirePrivate(_ path: FilePath) throws(FileRuleError) {
    guard kind == .regular, isNamed, permissions & 0o077 != 0, !isCredential else { return }
    throw .openToOthers(path, permissions: UInt32(permissions))
  }

  /// systemd gives a credential to a user by an access control list, which shows as the permission of
  /// root's own group to read it.
  private var isCredential: Bool { owner == 0 && group == 0 && permissions == 0o440 }
}
