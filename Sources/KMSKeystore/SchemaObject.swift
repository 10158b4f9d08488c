import GRDB

/// A table or an index of a keystore: the statements that make it, and the text that SQLite stores
/// for it.
struct SchemaObject {
  enum Kind: String { case table, index }

  let kind: Kind
  let name: String
  let table: String
  /// The step that makes the object; 0 for the table that records the steps.
  let step: Int
  /// The text of the statement before and after the columns that later steps add. Nil for an index
  /// that SQLite makes automatically.
  private let text: (before: String, after: String)?
  private let added: [(step: Int, column: String)]

  static func table(
    _ name: String, step: Int, _ before: String, added: [(step: Int, column: String)] = [],
    _ after: String = ""
  ) -> SchemaObject {
    SchemaObject(
      kind: .table, name: name, table: name, step: step, text: (before, after), added: added)
  }

  static func index(
    _ name: String, of table: String, step: Int, _ columns: String
  ) -> SchemaObject {
    SchemaObject(
      kind: .index, name: name, table: table, step: step,
      text: ("CREATE INDEX \(name) ON \(table) \(columns)", ""), added: [])
  }

  /// Returns the index that SQLite makes for a table's primary key.
  static func automaticIndex(of table: String, step: Int) -> SchemaObject {
    SchemaObject(
      kind: .index, name: "sqlite_autoindex_\(table)_1", table: table, step: step, text: nil,
      added: [])
  }

  /// Returns the text that SQLite stores for the object after this many steps.
  func text(afterSteps steps: Int) -> String? {
    guard let text else { return nil }
    if added.isEmpty { return text.before }
    return added.reduce(into: text.before) { all, column in
      if column.step <= steps { all += ", " + column.column }
    } + text.after
  }

  /// Makes the object, or adds its columns, if this step does that.
  func make(inStep step: Int, _ db: Database) throws {
    if step == self.step, let text = text(afterSteps: step) { try db.execute(sql: text) }
    for column in added where column.step == step {
      try db.execute(sql: "ALTER TABLE \(name) ADD COLUMN \(column.column)")
    }
  }
}
