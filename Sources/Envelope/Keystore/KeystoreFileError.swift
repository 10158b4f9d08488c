import SystemPackage

/// Why a keystore's file, or what is beside it, is not what SQLite may be given.
public enum KeystoreFileError: Error, Equatable, Sendable {
  /// Tables, indexes, triggers and the like that envcrypt did not make, or made otherwise.
  case strangers(FilePath, [SchemaStranger])
  /// Somebody has put the file into SQLite's WAL mode.
  case writeAheadLog(FilePath)
  /// A write-ahead log lies beside a keystore, which has none: SQLite would take it for the keystore's.
  case strayWriteAheadLog(FilePath, keystore: FilePath)
  /// A journal that no envcrypt wrote lies beside the keystore.
  case foreignJournal(FilePath)
  /// The file has so many names (hard links).
  case severalNames(FilePath, count: UInt64)
  /// Another file took its name while it was opened, again and again.
  case changing(FilePath)
}
