import Foundation
import KMSKeystore

/// The stacks of a keystore as seen by one transaction, and the exports that they share.
struct StackStore {
  struct Entry {
    let record: StackRecord
    let stack: Stack
  }

  /// The stacks, sorted by name.
  let entries: [Entry]

  init(_ view: KeystoreView) throws {
    entries = try view.stacks().map { record in
      guard let stack = try? Stack(json: record.contents), stack.name == record.name else {
        throw record.edited
      }
      return Entry(record: record, stack: stack)
    }
  }

  subscript(name: String) -> Entry? { entries.first { $0.record.name == name } }

  /// Throws `TemplateError` if there is no such stack.
  func entry(_ name: String) throws -> Entry {
    guard let entry = self[name] else {
      throw TemplateError(.noStack, nil, "there is no stack '\(name)'")
    }
    return entry
  }

  /// Returns all stacks except the one with this name.
  func others(than name: String) -> Others {
    Others(stacks: entries.map(\.stack).filter { $0.name != name })
  }

  struct Others {
    let stacks: [Stack]

    /// The values that these stacks export, by name.
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

  /// Stores the record of a stack.
  func save(_ stack: Stack, at now: Int64, _ transaction: KeystoreTransaction) throws {
    let old = self[stack.name]?.record
    try transaction.save(
      StackRecord(
        name: stack.name, creationDate: old?.creationDate ?? now,
        lastUpdatedDate: old == nil ? nil : now, contents: try stack.json()))
  }
}
