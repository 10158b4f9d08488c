import GRDB

/// A table or an index of a keystore: the statements that make it, and what SQLite keeps of them.
struct SchemaObject {
  enum Kind: String { case table, index }

  let kind: Kind
  let name: String
  let table: String
  /// The step that makes it; 0 for the table in which the steps themselves are noted.
  let step: Int
  /// The statement's text before and after the columns that later steps add; nil for an index that SQLite
  /// makes of itself.
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

  /// The index of a table's primary key.
  static func automaticIndex(of table: String, step: Int) -> SchemaObject {
    SchemaObject(
      kind: .index, name: "sqlite_autoindex_\(table)_1", table: table, step: step, text: nil,
      added: [])
  }

  /// The text that SQLite keeps in a store that has had this many steps.
  func text(afterSteps steps: Int) -> String? {
    guard let text else { return nil }
    if added.isEmpty { return text.before }
    return added.reduce(into: text.before) { all, column in
      if column.step <= steps { all += ", " + column.column }
    } + text.after
  }

  /// Does this object's part of a step.
  func make(inStep step: Int, _ db: Database) throws {
    if step == self.step, let text = text(afterSteps: step) { try db.execute(sql: text) }
    for column in added where column.step == step {
      try db.execute(sql: "ALTER TABLE \(name) ADD COLUMN \(column.column)")
    }
  }
}
