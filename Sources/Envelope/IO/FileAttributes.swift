import Glibc
import SystemPackage

/// The attributes that a copy keeps of its source: mode, owner, group and times.
package struct FileAttributes: Sendable {
  /// Permission bits, without set-user-ID, set-group-ID and sticky.
  let permissions: mode_t
  /// Set-user-ID, set-group-ID and sticky.
  let specialBits: mode_t
  let owner: uid_t
  let group: gid_t
  let accessTime: timespec
  let modificationTime: timespec
  /// False if the copy keeps the time at which it was made.
  private var keepsTimes = true

  package init(_ status: FileStatus) {
    permissions = status.permissions
    specialBits = status.specialBits
    owner = status.owner
    group = status.group
    accessTime = status.accessTime
    modificationTime = status.modificationTime
  }

  /// The same attributes without the times.
  package var withoutTimes: FileAttributes {
    var attributes = self
    attributes.keepsTimes = false
    return attributes
  }

  /// Gives the attributes to an open file that nobody else writes to any more. What the system
  /// refuses to this user is left out, as with `cp -a`: the owner, and the group of which the user
  /// is not a member. Notes in `lost` what the file system does not keep.
  func apply(
    to file: Descriptor, _ extended: ExtendedAttributes? = nil, noting lost: LostAttributes
  ) {
    if var now = try? file.status() {
      // fchown clears set-user-ID, set-group-ID and capabilities, so it comes first.
      if now.owner != owner || now.group != group {
        giveOwner(file)
        now = (try? file.status()) ?? now
      }
      extended?.set(on: file, noting: lost)
      let mode = mode(forOwner: now.owner, group: now.group, ofDirectory: now.kind == .directory)
      if now.permissions | now.specialBits != mode || extended != nil {
        _ = fchmod(file.number, mode)
      }
      // An ACL names the owner and the group without their numbers, so they must be the same.
      if now.owner == owner, now.group == group {
        extended?.setACLs(on: file, noting: lost)
      } else {
        extended?.loseACLs(of: file.path, noting: lost)
      }
    }
    if keepsTimes {
      var times = [accessTime, modificationTime]
      _ = futimens(file.number, &times)
    }
    if let now = try? file.status() { noteLosses(of: now, at: file.path, in: lost) }
  }

  /// True if a copy with this status has these attributes, apart from the times, or those that this
  /// user can give it.
  package func are(on copy: FileStatus) -> Bool {
    if geteuid() == 0, copy.owner != owner || copy.group != group { return false }
    let mode = mode(
      forOwner: copy.owner, group: copy.group, ofDirectory: copy.kind == .directory)
    return copy.permissions | copy.specialBits == mode
  }

  /// Gives these attributes, except the times, to a complete copy with this status at a place.
  /// Throws `FileRuleError.changed` if another file has taken its place, and `IOError`.
  package func renew(
    on copy: FileStatus, at place: FilePlace, _ extended: ExtendedAttributes?,
    noting lost: LostAttributes
  ) throws {
    let file = try Descriptor.openInput(place, foundAs: copy)
    // A new owner or group must not get the permissions of the old one, not even for a moment.
    let both = copy.permissions & permissions
    if both != copy.permissions { _ = fchmod(file.number, both) }
    withoutTimes.apply(to: file, extended, noting: lost)
  }

  /// Gives owner, group and times to the symbolic link that this process has made at a place. Does
  /// nothing if there is now another file.
  func apply(toLinkAt place: FilePlace, noting lost: LostAttributes) {
    let number = Descriptor.retrying {
      place.name.withPlatformString {
        openat(place.directory.number, $0, Descriptor.pathOnly | O_NOFOLLOW | O_CLOEXEC)
      }
    }
    guard number >= 0 else { return }
    let link = Descriptor(owning: number, path: place.path)
    guard let made = try? link.status(), made.kind == .symbolicLink, made.linkCount == 1,
      made.owner == geteuid() || made.owner == owner
    else { return }
    giveOwner(link)
    var times = [accessTime, modificationTime]
    if utimensat(number, "", &times, Descriptor.itself) != 0 {
      // Before Linux 5.8 only the name serves.
      place.name.withPlatformString {
        _ = utimensat(place.directory.number, $0, &times, AT_SYMLINK_NOFOLLOW)
      }
    }
    if let now = try? link.status() { noteLosses(of: now, at: place.path, in: lost) }
  }

  /// Gives the owner and the group, or only the group, to an open file or link.
  private func giveOwner(_ file: Descriptor) {
    if fchownat(file.number, "", owner, group, Descriptor.itself) != 0 {
      _ = fchownat(file.number, "", uid_t.max, group, Descriptor.itself)
    }
  }

  /// The mode of a copy with this owner and group. Set-user-ID and set-group-ID make a program run
  /// as its owner or group, so that only root, who can restore both, restores them. In a directory
  /// set-group-ID passes the group on, and is kept together with the group.
  func mode(forOwner owner: uid_t, group: gid_t, ofDirectory isDirectory: Bool) -> mode_t {
    let isOwned = owner == self.owner && group == self.group
    var kept: mode_t = isDirectory ? S_ISVTX : 0
    if isDirectory, group == self.group { kept |= S_ISGID }
    if isOwned, geteuid() == 0 { kept = 0o7000 }
    return permissions(forOwner: owner, group: group) | specialBits & kept
  }

  /// The permissions of a copy that has this owner and group. If they are not those of the source,
  /// other users are members of the group, or neither owner nor members. None of them, except the
  /// owner of the copy, gets access that the source does not give.
  func permissions(forOwner owner: uid_t, group: gid_t) -> mode_t {
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

  private func noteLosses(of copy: FileStatus, at path: FilePath, in lost: LostAttributes) {
    if geteuid() == 0, copy.owner != owner || copy.group != group { lost.note(.owner, path) }
    if copy.kind != .symbolicLink {
      let isDirectory = copy.kind == .directory
      let mode = mode(forOwner: copy.owner, group: copy.group, ofDirectory: isDirectory)
      if copy.permissions | copy.specialBits != mode { lost.note(.mode, path) }
      // The sticky bit of a file has no meaning.
      let meant = specialBits & (isDirectory ? 0o7000 : 0o6000)
      if meant & ~mode != 0 { lost.note(.specialBits, path) }
    }
    if keepsTimes,
      copy.modificationTime.tv_sec != modificationTime.tv_sec
        || copy.modificationTime.tv_nsec != modificationTime.tv_nsec
    {
      lost.note(.times, path)
    }
  }
}
