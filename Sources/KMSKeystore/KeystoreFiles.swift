import Envelope
import Glibc
import Synchronization
import SystemPackage

/// The files of keystores, which must never be an output: the store, its audit logs, and the files
/// that SQLite would take for the store's journals.
///
/// A store in use is known by its path, even before it is made. Any other store is recognized by
/// its contents.
package final class KeystoreFiles: ReservedFiles {
  /// The names of the store: the given path and, if that is a symbolic link, its target, which
  /// SQLite uses.
  private let stores: [Store]
  /// The status of the store's file; nil if it did not exist.
  private let store: FileStatus?
  /// The files that the store had at the first check; nil before.
  private let files = Mutex<[FileStatus]?>(nil)

  fileprivate struct Store {
    let directory: FilePath
    let name: [UInt8]
    let path: FilePath
  }

  /// The suffixes of the names of a store's other files. When SQLite opens the store, it applies or
  /// deletes a journal.
  private static let endings = ["-journal", "-wal", "-shm", "-audit", "-audit.old"]

  /// Finds the files of the store at `path`; nil if no store is in use.
  package init(of path: FilePath?) {
    var stores: [Store?] = []
    if let path {
      stores.append(Store(path))
      if let target = Self.linkTarget(path) { stores.append(Store(target)) }
    }
    self.stores = stores.compactMap { $0 }
    store = path.flatMap { try? FileStatus.at($0) }
  }

  // MARK: Outputs

  package func check(_ place: FilePlace, existing: FileStatus?) throws {
    try checkName(of: place)
    if let existing, isFileOfStore(existing) || Self.isKeystore(place, existing) {
      throw FileRuleError.reserved(place.path)
    }
  }

  /// Checks the place of a new keystore. A keystore that is there is the caller's concern: a backup
  /// may replace an older one. Throws `FileRuleError.reserved`, `unfinishedName`.
  func check(newKeystoreAt place: FilePlace) throws {
    try checkName(of: place)
    if HiddenFile.isUnfinished(place.name) { throw FileRuleError.unfinishedName(place.path) }
  }

  /// Throws `FileRuleError.reserved` if the name is that of a store in use or of one of its other
  /// files, or belongs to any keystore in the same directory.
  private func checkName(of place: FilePlace) throws {
    let name = Self.bytes(of: place.name)
    for store in stores where Self.isFile(name, of: store.name) {
      let directory = try FileStatus.at(store.directory)
      if let directory, try place.directory.status().isSameFile(as: directory) {
        throw FileRuleError.reserved(place.path)
      }
    }
    if try isBesideKeystore(name, place) { throw FileRuleError.reserved(place.path) }
  }

  /// Checks an output that is open already.
  package func check(_ output: FileStatus, named path: FilePath) throws {
    if isFileOfStore(output) { throw FileRuleError.reserved(path) }
  }

  /// True if this is the file of the store, under any name.
  package func isStore(_ status: FileStatus) -> Bool { store?.isSameFile(as: status) == true }

  /// True if this is the store's file and SQLite has a journal of it: a process is writing, or was
  /// killed while writing. The bytes may be a mix of two states.
  package func isStoreBeingWritten(_ status: FileStatus) -> Bool {
    guard isStore(status) else { return false }
    return stores.contains { store in
      let journal = FilePath(platformString: Self.appending("-journal", to: store.path))
      return ((try? FileStatus.at(journal))?.size ?? 0) > 0
    }
  }

  /// True if this is the audit log of the store. A command that reads the log also appends to it. A
  /// copy that ends in the middle of an entry is still a log.
  package func isLog(_ status: FileStatus) -> Bool {
    stores.contains { store in
      let log = FilePath(platformString: Self.appending("-audit", to: store.path))
      return (try? FileStatus.at(log))?.isSameFile(as: status) == true
    }
  }

  private func isFileOfStore(_ status: FileStatus) -> Bool {
    files.withLock { files in
      let known = files ?? findFiles()
      files = known
      return known.contains { $0.isSameFile(as: status) }
    }
  }

  private func findFiles() -> [FileStatus] {
    stores.flatMap { store in
      ([""] + Self.endings).compactMap { ending in
        try? FileStatus.at(FilePath(platformString: Self.appending(ending, to: store.path)))
      }
    }
  }

  // MARK: Other keystores

  /// True if the name is one that a keystore's other files have, and that keystore is in the same
  /// directory.
  private func isBesideKeystore(_ name: [UInt8], _ place: FilePlace) throws -> Bool {
    let name = Self.withoutNumber(name)
    for ending in Self.endings where name.count > ending.utf8.count {
      guard Self.areAlike(name.suffix(ending.utf8.count), ending.utf8) else { continue }
      let store = Array(name.dropLast(ending.utf8.count)) + [0]
      let beside = FilePlace(
        FilePath(platformString: store.map { CChar(bitPattern: $0) }), in: place.directory,
        path: place.path)
      if let status = try beside.status(), Self.isKeystore(beside, status) { return true }
    }
    return false
  }

  /// True if a file begins with the header of a keystore.
  private static func isKeystore(_ place: FilePlace, _ status: FileStatus) -> Bool {
    // A database page has at least 512 bytes. SQLite ignores bytes after the last page.
    guard status.kind == .regular, status.size >= 512,
      let descriptor = try? Descriptor.openInput(place, foundAs: status),
      let region = FileRegion(descriptor)
    else { return false }
    var head = [UInt8](repeating: 0, count: 72)
    var span = head.mutableSpan
    var raw = span.mutableBytes
    guard (try? region.fill(&raw, at: 0)) == head.count else { return false }
    let identifier = head[68...].reduce(0) { $0 << 8 | Int32($1) }
    return head.starts(with: "SQLite format 3\0".utf8)
      && identifier == KeystoreSchema.applicationID
  }

  // MARK: Names

  /// Returns the name of a log that was set aside without its number: `.old` for `.old.2`.
  private static func withoutNumber(_ name: [UInt8]) -> [UInt8] {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot + 1 < name.count,
      name[(dot + 1)...].allSatisfy(digits.contains)
    else { return name }
    let rest = Array(name[..<dot])
    return areAlike(rest.suffix(10), "-audit.old".utf8) ? rest : name
  }

  /// True if `name` is the name of a store or of one of its other files.
  private static func isFile(_ name: [UInt8], of store: [UInt8]) -> Bool {
    guard name.count >= store.count, areAlike(name.prefix(store.count), store) else { return false }
    let rest = withoutNumber(Array(name.dropFirst(store.count)))
    return rest.isEmpty || endings.contains { areAlike(rest, $0.utf8) }
  }

  /// True if the names are equal, ignoring the case of ASCII letters as some file systems do.
  private static func areAlike(
    _ one: some Sequence<UInt8>, _ other: some Sequence<UInt8>
  ) -> Bool {
    one.elementsEqual(other) { lowercased($0) == lowercased($1) }
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }

  private static func bytes(of path: FilePath) -> [UInt8] {
    path.withPlatformString { start in
      UnsafeRawBufferPointer(start: start, count: strlen(start)).map { $0 }
    }
  }

  private static func appending(_ ending: String, to path: FilePath) -> [CChar] {
    (bytes(of: path) + Array(ending.utf8) + [0]).map { CChar(bitPattern: $0) }
  }

  /// Returns the target of the path if its last component is a symbolic link.
  private static func linkTarget(_ path: FilePath) -> FilePath? {
    let status = (try? FileStatus.at(path, followingLinks: false)) ?? nil
    return status?.kind == .symbolicLink ? path.realPath : nil
  }
}

extension KeystoreFiles.Store {
  fileprivate init?(_ path: FilePath) {
    guard let name = path.lastName else { return nil }
    let directory = path.directory
    self.init(
      directory: directory.isEmpty ? "." : directory,
      name: name.withPlatformString { start in
        UnsafeRawBufferPointer(start: start, count: strlen(start)).map { $0 }
      }, path: path)
  }
}
