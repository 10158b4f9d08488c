import Glibc
import SystemPackage

/// An object in a keystore's schema that differs from the schema that envcrypt makes.
package struct SchemaStranger: Equatable, Sendable {
  package enum Fault: Equatable, Sendable {
    /// We have no object of that name.
    case unknown
    /// We did not make the object, and it has the name or the first page of another object. To drop
    /// it would drop the other one's rows.
    case entangled
    /// Our object of that name has another text.
    case altered
    case missing
  }

  package let fault: Fault
  /// SQLite's type name: table, index, trigger, view.
  package let kind: String
  package let name: String
}

/// The schema of a keystore's file, read from its pages before SQLite parses it.
struct StoredSchema {
  /// The number of schema steps that the store has had.
  let steps: Int
  /// The first page of the table with the store's own record.
  private let rootPage: UInt32

  /// Throws unless the schema is exactly that of a keystore after one of the steps.
  init(_ pages: DatabasePages, of path: FilePath) throws {
    let header = pages.header
    guard header.applicationID == KeystoreSchema.applicationID else {
      throw KeystoreError.notAKeystore(path, "it is another SQLite database")
    }
    guard !header.usesWriteAheadLog else { throw KeystoreFileError.writeAheadLog(path) }
    guard header.isUTF8 else {
      throw KeystoreError.notAKeystore(path, "its text encoding is not UTF-8")
    }
    let objects = try pages.rows(ofTableAt: 1).map { try StoredObject($0) }
    steps = try Self.steps(notedIn: objects, pages, path)
    let strangers = Self.strangers(among: objects, afterSteps: steps)
    guard strangers.isEmpty else { throw KeystoreFileError.strangers(path, strangers) }
    let table = KeystoreRecord.databaseTableName
    rootPage = objects.first { $0.name.reads(table) }?.rootPage ?? 0
  }

  /// Returns the ID of the store, unverified; nil if there is none.
  func keystoreID(in pages: DatabasePages) throws -> String? {
    guard case .text(let id)? = try pages.rows(ofTableAt: rootPage).first?.first else { return nil }
    return String(decoding: id, as: UTF8.self)
  }

  private static func steps(
    notedIn objects: [StoredObject], _ pages: DatabasePages, _ path: FilePath
  ) throws -> Int {
    let table = objects.first { $0.kind.reads("table") && $0.name.reads(KeystoreSchema.stepsTable) }
    guard let table else {
      let missing = SchemaStranger(fault: .missing, kind: "table", name: KeystoreSchema.stepsTable)
      throw KeystoreFileError.strangers(path, [missing])
    }
    var numbers: Set<Int> = []
    for row in try pages.rows(ofTableAt: table.rootPage ?? 0) {
      guard case .text(let name)? = row.first,
        let number = KeystoreSchema.steps.firstIndex(where: { name.reads($0) })
      else { throw KeystoreError.tooNew(path) }
      numbers.insert(number)
    }
    guard !numbers.isEmpty, numbers.max() == numbers.count - 1 else {
      throw KeystoreError.notAKeystore(path, "a step of its schema is missing")
    }
    return numbers.count
  }

  static func strangers(
    among objects: [StoredObject], afterSteps steps: Int
  ) -> [SchemaStranger] {
    let ours = KeystoreSchema.objects.filter { $0.step <= steps }
    // Objects are usually in the order in which they were made.
    let isInOrder =
      objects.count == ours.count
      && zip(objects, ours).allSatisfy {
        $0.isNamed(as: $1) && $0.isMade(as: $1, afterSteps: steps)
      }
    if isInOrder { return objectsWithTheRootOfAnother(among: objects) }
    var missing = ours
    var strangers: [SchemaStranger] = []
    let sharedRoots = rootsOfSeveral(objects)
    for object in objects {
      if let index = missing.firstIndex(where: object.isNamed) {
        let wanted = missing.remove(at: index)
        if !object.isMade(as: wanted, afterSteps: steps) {
          strangers.append(object.stranger(.altered))
        }
      } else {
        let isEntangled =
          ours.contains { object.isAlsoNamed($0.name) }
          || object.rootPage.map(sharedRoots.contains) ?? false
        strangers.append(object.stranger(isEntangled ? .entangled : .unknown))
      }
    }
    strangers += missing.map {
      SchemaStranger(fault: .missing, kind: $0.kind.rawValue, name: $0.name)
    }
    return strangers.isEmpty ? objectsWithTheRootOfAnother(among: objects) : strangers
  }

  /// Returns the root pages that several objects have.
  private static func rootsOfSeveral(_ objects: [StoredObject]) -> Set<UInt32> {
    var roots: Set<UInt32> = []
    return Set(objects.compactMap(\.rootPage).filter { !roots.insert($0).inserted })
  }

  /// Returns the objects whose root page an earlier object has too: each would show the rows of the
  /// other, and a change of one would change both.
  private static func objectsWithTheRootOfAnother(
    among objects: [StoredObject]
  ) -> [SchemaStranger] {
    var roots: Set<UInt32> = []
    return objects.compactMap { object in
      guard let root = object.rootPage, !roots.insert(root).inserted else { return nil }
      return object.stranger(.altered)
    }
  }
}

/// A row of SQLite's schema table.
struct StoredObject {
  let kind: DatabasePages.Value
  let name: DatabasePages.Value
  let table: DatabasePages.Value
  /// The first page of a table or an index; nil for any other value than a page number.
  let rootPage: UInt32?
  let text: DatabasePages.Value

  init(_ row: [DatabasePages.Value]) throws {
    guard row.count == 5 else { throw DatabasePages.Failure.malformed }
    kind = row[0]
    name = row[1]
    table = row[2]
    // The first page has the schema itself.
    rootPage =
      if case .integer(let page) = row[3], page > 1 { UInt32(exactly: page) } else { nil }
    text = row[4]
  }

  func isNamed(as object: SchemaObject) -> Bool {
    kind.reads(object.kind.rawValue) && name.reads(object.name)
  }

  /// True if SQLite takes the object's name for this one. It ignores the case of letters.
  func isAlsoNamed(_ name: String) -> Bool {
    name.lowercased() == self.name.description.lowercased()
  }

  func isMade(as object: SchemaObject, afterSteps steps: Int) -> Bool {
    guard table.reads(object.table), rootPage != nil else { return false }
    guard let wanted = object.text(afterSteps: steps) else { return text == .null }
    return text.reads(wanted)
  }

  func stranger(_ fault: SchemaStranger.Fault) -> SchemaStranger {
    SchemaStranger(fault: fault, kind: kind.description, name: name.description)
  }
}

extension DatabasePages.Value {
  /// True if the value is this text, byte by byte.
  func reads(_ wanted: String) -> Bool {
    guard case .text(let bytes) = self else { return false }
    return bytes.reads(wanted)
  }

  fileprivate var description: String {
    if case .text(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { "?" }
  }
}

extension ArraySlice<UInt8> {
  /// Uses `memcmp`, because every command compares thousands of bytes.
  fileprivate func reads(_ wanted: String) -> Bool {
    var wanted = wanted
    return wanted.withUTF8 { wanted in
      withUnsafeBufferPointer { bytes in
        guard bytes.count == wanted.count else { return false }
        guard let first = bytes.baseAddress, let second = wanted.baseAddress else { return true }
        return memcmp(first, second, bytes.count) == 0
      }
    }
  }
}
