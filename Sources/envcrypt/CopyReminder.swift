import KMSService

/// The reminder that the last copy of the keys, a backup or an export, lacks a new key version.
enum CopyReminder {
  /// Writes the reminder after a command that made a key version, if there is a copy. A keystore
  /// without one is new, or its owner wants none: only 'keystore status' tells about that.
  static func note(_ service: KeyService, _ console: Console) {
    guard (try? service.keystore.wasCopied()) == true else { return }
    console.note(
      "the last backup or export of the keys lacks this version; make a new one: "
        + "envcrypt keystore backup FILE")
  }

  /// Returns the line of 'keystore status'. `missing` is the number of key versions that the last
  /// copy lacks; nil if there is no copy.
  static func summary(_ missing: Int?) -> String {
    switch missing {
    case nil: "none: envcrypt keystore backup FILE makes one"
    case 0: "has every key version"
    case let count?:
      "lacks \(Text.count(count, "key version")): envcrypt keystore backup FILE makes a new one"
    }
  }
}
