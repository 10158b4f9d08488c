import Glibc
import SystemPackage

/// The rule for every file that holds a secret: key files, passphrases, private keys.
extension FileStatus {
  /// Throws `FileRuleError.openToOthers` if anybody but its owner may access the file at `path`.
  /// Pipes and devices pass, because nobody can read later what went through them. Files without a
  /// name pass too.
  public func requirePrivate(_ path: FilePath) throws(FileRuleError) {
    guard kind == .regular, isNamed, permissions & 0o077 != 0, !isCredential else { return }
    throw .openToOthers(path, permissions: UInt32(permissions))
  }

  /// True for a credential of systemd. An access control list gives it to the user; in the mode
  /// bits that looks like read permission for the group of root.
  private var isCredential: Bool { owner == 0 && group == 0 && permissions == 0o440 }
}

/// The rule for every file that takes the place of another one, or comes from it.
extension FileStatus {
  /// The most permissions of a file that replaces this one. Somebody who made a file private wants
  /// it to stay private.
  var permissionsOfSuccessor: mode_t { permissions | 0o700 }

  /// Returns the permissions of a copy that has this owner and group, as
  /// `FileAttributes.permissions(forOwner:group:)` does.
  package func permissions(forOwner owner: uid_t, group: gid_t) -> mode_t {
    FileAttributes(self).permissions(forOwner: owner, group: group)
  }
}
