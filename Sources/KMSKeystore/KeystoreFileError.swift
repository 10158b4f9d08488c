import SystemPackage

/// The reason why a keystore's file, or a file beside it, must not be given to SQLite.
package enum KeystoreFileError: Error, Equatable, Sendable {
  /// The schema is not the one that envcrypt makes: tables, indexes, triggers or views are unknown,
  /// altered or missing.
  case strangers(FilePath, [SchemaStranger])
  /// The file is in SQLite's WAL mode.
  case writeAheadLog(FilePath)
  /// A write-ahead log is beside a keystore. Keystores do not use one, but SQLite would apply it.
  case strayWriteAheadLog(FilePath, keystore: FilePath)
  /// A file that is not a journal of the keystore has the name of its journal.
  case foreignJournal(FilePath)
  /// A file that SQLite would use for the keystore, and that others made or may write to.
  case foreignFile(FilePath, JournalFault)
  /// The file is mounted under this name, so it has another name, too.
  case mounted(FilePath)
  /// The file has several names (hard links); `count` is their number.
  case severalNames(FilePath, count: UInt64)
  /// Another file took the keystore's name while it was opened, too many times.
  case changing(FilePath)
  /// The path is not valid UTF-8.
  case notUTF8(FilePath)
  /// The full path has more bytes than SQLite takes.
  case longPath(FilePath, limit: Int)
}
