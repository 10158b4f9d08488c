import SystemPackage

/// Why a keystore cannot be used.
public enum KeystoreError: Error, Equatable, Sendable {
  /// There is no file at the path.
  case missing(FilePath)
  /// `create` found something at the path.
  case exists(FilePath)
  /// Others than the owner may read or write the file; `permissions` are its mode bits.
  case loosePermissions(FilePath, permissions: UInt32)
  /// The file is no keystore; the text says what is wrong.
  case notAKeystore(FilePath, String)
  /// A later version of the program wrote the file.
  case tooNew(FilePath)
  /// A record does not carry the code that the program gave it: it was edited, or damaged.
  case editedRecord(String)
  /// A text with a NUL character, which no column can have; the text names the record.
  case unstorableText(String)
  /// SQLite's own complaint.
  case database(FilePath, String)
  /// The system failed to read, write or lock the file.
  case ioFailure(FilePath)
  /// The file is damaged, or the disk does not give it back.
  case unreadable(FilePath)
  /// Another file has taken the keystore's name while a command used it, or the name is gone.
  case replaced(FilePath)
  /// Another process holds the file for longer than the program waits.
  case busy(FilePath)
  /// The file or its directory cannot be written.
  case readOnly(FilePath)
  /// SQLite's journal of a store that is not there any more, where another one is to be made.
  case journal(FilePath)

  /// No protector could be used: the ones there are, and what they miss.
  case locked(reasons: [String])
  /// The passphrase opens no protector.
  case wrongPassphrase
  /// The key file opens no protector.
  case wrongKeyFile(FilePath)
  /// A file that cannot serve as a key file; the text says why.
  case unusableKeyFile(FilePath, String)
  /// A passphrase without any byte.
  case emptyPassphrase
  /// There is no protector with that ID.
  case noProtector(String)
  /// The only protector cannot be removed.
  case lastProtector(String)
}
