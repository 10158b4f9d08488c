import Foundation

/// The stacks of a keystore as one transaction sees them, and what they share.
struct StackStore {
  struct Entry {
    let record: StackRecord
    let stack: Stack
  }

  /// By name.
  let entries: [Entry]

  init(_ view: KeystoreView) throws {
    entries = try view.stacks().map { record in
      guard let stack = try? Stack(json: record.contents), stack.name == record.name else {
        throw KeystoreError.editedRecord(record.recordName)
      }
      return Entry(record: record, stack: stack)
    }
  }

  subscript(name: String) -> Entry? { entries.first { $0.record.name == name } }

  /// Throws `TemplateError` where there is no such stack.
  func entry(_ name: String) throws -> Entry {
    guard let entry = self[name] else {
      throw TemplateError(.noStack, nil, "there is no stack '\(name)'")
    }
    return entry
  }

  /// The stacks but the one of that name.
  func others(than name: String) -> Others {
    Others(stacks: entries.map(\.stack).filter { $0.name != name })
  }

  struct Others {
    let stacks: [Stack]

    /// What can be imported from them, by name.
    var exports: [String: String] {
      stacks.reduce(into: [:]) { $0.merge($1.exports) { first, _ in first } }
    }

    func exporter(of name: String) -> String? { stacks.first { $0.exports[name] != nil }?.name }

    func importers(of name: String) -> [String] {
      stacks.filter { $0.imports.contains(name) }.map(\.name)
    }

    func owner(ofAlias name: String) -> String? {
      stacks.first { stack in
        stack.resources.contains { $0.properties.type == .alias && $0.physicalID == name }
      }?.name
    }
  }

  /// Keeps the stack as it is now.
  func save(_ stack: Stack, at now: Int64, _ transaction: KeystoreTransaction) throws {
    let old = self[stack.name]?.record
    try transaction.save(
      StackRecord(
        name: stack.name, creationDate: old?.creationDate ?? now,
        lastUpdatedDate: old == nil ? nil : now, contents: try stack.json()))
  }
}
