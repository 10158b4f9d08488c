import Envelope
import SystemPackage

/// The reason why a keystore cannot be used.
package enum KeystoreError: Error, Equatable, Sendable {
  /// There is no file at the path.
  case missing(FilePath)
  /// `create` found that the path is taken.
  case exists(FilePath)
  /// Users other than the owner may read or write the file; `permissions` are its mode bits.
  case loosePermissions(FilePath, permissions: UInt32)
  /// The file is not a keystore; the text says what is wrong.
  case notAKeystore(FilePath, String)
  /// A later version of the program wrote the file.
  case tooNew(FilePath)
  /// A record does not have the code that the program computed: the record was edited or damaged.
  case editedRecord(String)
  /// A text contains a NUL character, or is too long, and cannot be stored; the string names the
  /// record.
  case unstorableText(String)
  /// Another error of SQLite, with its message.
  case database(FilePath, String)
  /// The system failed to read, write or lock the file.
  case ioFailure(FilePath)
  /// The file is damaged, or the disk fails to return its bytes.
  case unreadable(FilePath)
  /// While a command used the keystore, another file took its name, or the name was removed.
  case replaced(FilePath)
  /// Another process holds a lock of the file for longer than the program waits.
  case busy(FilePath)
  /// The file or its directory cannot be written.
  case readOnly(FilePath)
  /// A journal or a write-ahead log of a store that is gone has the name that SQLite would use for
  /// the new store.
  case journal(FilePath)
  /// A file that is not an audit log has the name of the new store's log.
  case foreignLog(FilePath)

  /// No protector of the keystore could be used; the reasons say why.
  case locked(FilePath, reasons: [String])
  /// The passphrase opens no protector.
  case wrongPassphrase(FilePath)
  /// The key file opens no protector of the keystore `of`.
  case wrongKeyFile(FilePath, of: FilePath)
  /// The file cannot be used as a key file; the text says why.
  case unusableKeyFile(FilePath, String)
  /// The keystore has more protectors than this limit, so none is tried.
  case tooManyProtectors(limit: Int)
  /// Trying a passphrase on this protector would take more memory or time than envcrypt spends on
  /// one protector.
  case costlyProtector(String)
  /// Trying a passphrase on all protectors together would take more work than envcrypt spends.
  case costlyProtectors
  /// There is no protector with that ID.
  case noProtector(String)
  /// The only protector cannot be removed.
  case lastProtector(String)
}

extension KeystoreError: KeyObstacle {
  package var isMissingKey: Bool { false }
}
