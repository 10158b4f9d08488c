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

  /// Returns the permissions of a copy that has this owner and group. If they are not those of this
  /// file, other users are members of the group, or neither owner nor members. None of them, except
  /// the owner of the copy, gets access that this file does not give.
  package func permissions(forOwner owner: uid_t, group: gid_t) -> mode_t {
    var (ofGroup, ofOthers) = (permissions >> 3 & 0o7, permissions & 0o7)
    if group != self.group {
      // Members of one group may be members of the other, or not.
      ofGroup &= ofOthers
      ofOthers = ofGroup
    }
    if owner != self.owner {
      let ofOwner = permissions >> 6 & 0o7
      ofGroup &= ofOwner
      ofOthers &= ofOwner
    }
    return permissions & 0o700 | ofGroup << 3 | ofOthers
  }
}
