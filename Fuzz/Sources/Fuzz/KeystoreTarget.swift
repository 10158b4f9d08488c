import Foundation
import GRDB
import SystemPackage

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService

extension FuzzTarget {
  /// A keystore's file and the files that SQLite looks for beside it: opened, checked, unlocked,
  /// used and copied. The input is the file itself, or changes to a valid file, its journal and a
  /// write-ahead log, so that the code after the first checks is reached too.
  static let keystore = FuzzTarget("keystore") { bytes in
    guard let mode = bytes.first else { return }
    _ = limitFiles
    let files = KeystoreFiles(mode: mode, Array(bytes.dropFirst()))
    let directory = FilePath("/dev/shm/envcrypt-fuzz-keystore-\(getpid())")
    mkdir(directory.string, 0o700)
    defer { try? FileManager.default.removeItem(atPath: directory.string) }
    let path = directory.appending("k.db")
    try put(Array("precious".utf8), at: victim)
    try files.write(at: path)

    defer {
      require(access(victim.string, F_OK) == 0, "a file was removed that is not the keystore's")
    }
    let store = try Keystore(at: path, readOnly: mode & 8 != 0)
    try store.requireOwnSchema()
    let service = try KeyService(KeyServiceHost(store, secrets: NoSecrets()))
    let check = Result { try service.check() }
    if mode & 16 != 0 {
      _ = try? service.acceptRecords()
    }
    let decrypted = Result {
      try service.perform(DecryptRequest(ciphertextBlob: whole.blob))
    }
    if case .success(let check) = check, check.damage.isEmpty, check.keys == 2,
      case .failure(let error) = decrypted
    {
      require(error is KeyServiceError, "a store that is found whole does not decrypt: \(error)")
    }
    _ = try? service.listKeyMetadata()
    _ = try? service.createKey(CreateKeyRequest(description: "new"), alias: "alias/new")
    try store.requireOwnSchema()
    let copy = directory.appending("copy.db")
    try store.backup(to: copy)
    try Keystore(at: copy).requireOwnSchema()
    _ = try check.get()
  }

  /// Limits the size of files. A journal can make SQLite extend the keystore to terabytes, and the
  /// copy of it would fill all memory.
  private static let limitFiles: Void = {
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit(rlim_cur: 64 << 20, rlim_max: 64 << 20)
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
  }()

  /// The journal of a seed names this file as its super-journal. No command may touch it.
  private static let victim = FilePath("/dev/shm/envcrypt-fuzz-victim")

  /// A valid keystore, and a ciphertext under its key.
  fileprivate static let whole: (file: [UInt8], blob: Blob) = {
    let path = FilePath("/dev/shm/envcrypt-fuzz-whole-\(getpid()).db")
    defer { for ending in ["", "-audit"] { unlink(path.string + ending) } }
    do {
      let store = try Keystore.create(at: path, protector: .none)
      let service = try KeyService(KeyServiceHost(store, secrets: NoSecrets()))
      let key = try service.createKey(CreateKeyRequest(description: "a"), alias: "alias/a")
      _ = try service.createDefaultKey()
      try service.perform(
        TagResourceRequest(keyID: key.keyID, tags: [Tag(tagKey: "a", tagValue: "b")]))
      let blob = try service.perform(
        EncryptRequest(
          keyID: "alias/a", plaintext: SecretBlob(SecretBytes(copying: [1, 2, 3].span.bytes)))
      ).ciphertextBlob
      let file = try Data(contentsOf: URL(fileURLWithPath: path.string))
      return (Array(file), blob)
    } catch {
      fatalError("no keystore: \(error)")
    }
  }()

  fileprivate static func put(_ bytes: [UInt8], at path: FilePath) throws {
    let number = open(path.string, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o600)
    precondition(number >= 0, "no room in /dev/shm")
    let file = Descriptor(owning: number, path: path)
    try file.write(bytes.span.bytes)
  }
}

private struct NoSecrets: UnlockingSecrets {
  let keyFile: FilePath? = nil
  func passphrase() -> SecretBytes? {
    SecretBytes(copying: [UInt8](repeating: 1, count: 4).span.bytes)
  }
}

extension Keystore {
  /// Ends the run unless SQLite itself reads the schema that envcrypt creates.
  fileprivate func requireOwnSchema() throws {
    let stored = try read { db in
      try Row.fetchAll(
        db,
        sql:
          "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || ifnull(sql, '-') FROM sqlite_schema"
      ).map { $0[0] as String }
    }
    let steps = KeystoreSchema.steps.count
    let ours = KeystoreSchema.objects.map {
      "\($0.kind.rawValue) \($0.name) \($0.table) \($0.text(afterSteps: steps) ?? "-")"
    }
    require(stored.sorted() == ours.sorted(), "a schema that is not ours was opened")
  }
}

/// The files that an input describes.
private struct KeystoreFiles {
  var database: [UInt8]
  var journal: [UInt8]?
  var log: [UInt8]?

  /// If the first bit of the mode is set, the input is the database itself. Otherwise it is a list
  /// of changes: the file (one byte), the offset (three), the number of bytes (one), and the bytes.
  init(mode: UInt8, _ input: [UInt8]) {
    if mode & 1 != 0 {
      database = input
      return
    }
    database = FuzzTarget.whole.file
    if mode & 2 != 0 { journal = Self.journal(restoring: 1, of: database) }
    if mode & 4 != 0 { log = [] }
    var rest = input[...]
    while rest.count > 5 {
      let head = Array(rest.prefix(5))
      let offset = Int(head[1]) << 16 | Int(head[2]) << 8 | Int(head[3])
      let bytes = rest.dropFirst(5).prefix(Int(head[4]))
      rest = rest.dropFirst(5 + bytes.count)
      switch head[0] % 4 {
      case 0, 1: Self.put(bytes, at: offset, in: &database)
      case 2: if journal != nil { Self.put(bytes, at: offset, in: &journal!) }
      default: if log != nil { Self.put(bytes, at: offset, in: &log!) }
      }
    }
  }

  private static func put(_ bytes: ArraySlice<UInt8>, at offset: Int, in file: inout [UInt8]) {
    guard offset < 1 << 20 else { return }
    let end = offset + bytes.count
    if file.count < end { file += [UInt8](repeating: 0, count: end - file.count) }
    file.replaceSubrange(offset..<end, with: bytes)
  }

  /// Returns a journal with which SQLite restores a page to its present contents.
  private static func journal(restoring page: Int, of database: [UInt8]) -> [UInt8] {
    func big(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(value).bigEndian) { Array($0) } }
    let size = 4096
    let content = Array(database[(page - 1) * size..<page * size])
    var sum = 0
    for index in stride(from: size - 200, to: 0, by: -200) { sum += Int(content[index]) }
    var file: [UInt8] = [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]
    file += big(1) + big(0) + big(database.count / size) + big(512) + big(size)
    file += [UInt8](repeating: 0, count: 512 - file.count)
    return file + big(page) + content + big(sum)
  }

  func write(at path: FilePath) throws {
    try FuzzTarget.put(database, at: path)
    if let journal { try FuzzTarget.put(journal, at: FilePath(path.string + "-journal")) }
    if let log { try FuzzTarget.put(log, at: FilePath(path.string + "-wal")) }
  }
}
