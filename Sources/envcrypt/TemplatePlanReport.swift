import Envelope
import KMSTemplates

/// A plan as text: `+` for a resource that is created, `~` for one that changes, `-` for one that
/// is deleted or leaves the stack.
struct TemplatePlanReport {
  let plan: StackPlan
  /// True if lines have ANSI colours.
  let isColoured: Bool

  private enum Sign: String {
    case plus = "+"
    case minus = "-"
    case change = "~"
    case same = " "

    var colour: String? {
      switch self {
      case .plus: "32"
      case .minus: "31"
      case .change: "33"
      case .same: nil
      }
    }
  }

  /// All lines, without a line feed at the end.
  var text: String {
    var lines: [String] = []
    for change in plan.changes { lines += self.lines(change) }
    for output in plan.outputs { lines += self.lines(output, kind: "output ", indent: 0) }
    return (lines + [summary]).joined(separator: "\n")
  }

  /// Returns the report of a plan that was carried out: a line for each changed resource, with its
  /// name in the keystore, and the number of resources.
  func done(madeAs physicalIDs: [String: String] = [:]) -> String {
    var lines: [String] = []
    for change in plan.changes { lines += heads(change, madeAs: physicalIDs[change.logicalID]) }
    return (lines + [counted(["created", "changed", "deleted", "left"])]).joined(separator: "\n")
  }

  private func lines(_ change: StackPlan.Change) -> [String] {
    heads(change) + change.properties.flatMap { lines($0, kind: "", indent: 4) }
  }

  /// Returns one line, or none if the resource does not change.
  private func heads(_ change: StackPlan.Change, madeAs physicalID: String? = nil) -> [String] {
    var title = "\(change.logicalID) (\(change.type.rawValue))"
    if let id = physicalID ?? change.physicalID { title += " \(id)" }
    let head: String
    switch change.action {
    case .none: return []
    case .create: head = line(.plus, title, 0)
    case .update: head = line(.change, title, 0)
    case .replace: head = line(.change, "\(title): the new alias is made, the old one deleted", 0)
    case .delete(let days?): head = line(.minus, "\(title): deleted after \(days) days", 0)
    case .delete(nil): head = line(.minus, "\(title): deleted", 0)
    case .retain: head = line(.minus, "\(title): kept, but removed from the stack", 0)
    }
    return [head]
  }

  private func lines(
    _ change: StackPlan.PropertyChange, kind: String, indent: Int
  ) -> [String] {
    let old = change.old.map { blocks($0, of: change.name) }
    let new = change.new.map { blocks($0, of: change.name) }
    let sign: Sign = old == nil ? .plus : new == nil ? .minus : .change
    let name = "\(kind)\(change.name)"
    if (old?.count ?? 1) == 1, (new?.count ?? 1) == 1 {
      let values = [old?[0], new?[0]].compactMap(\.self)
      let value = values.count == 2 && values[0] == values[1] ? [values[0]] : values
      return [line(sign, "\(name): \(value.joined(separator: " -> "))", indent)]
    }
    return [line(sign, "\(name):", indent)]
      + difference(old ?? [], new ?? []).map { line($0.sign, $0.text, indent + 4) }
  }

  /// Returns the lines of a value: a policy has one line for each of its values, tags have one line
  /// for each tag.
  private func blocks(_ text: String, of property: String) -> [String] {
    let text = property == "KeyPolicy" ? JSONLayout.indented(text) : text
    return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  private func difference(_ old: [String], _ new: [String]) -> [(sign: Sign, text: String)] {
    let difference = new.difference(from: old)
    var removed: Set<Int> = []
    var inserted: Set<Int> = []
    for change in difference {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var lines: [(sign: Sign, text: String)] = []
    var position = 0
    for (index, line) in new.enumerated() {
      while removed.contains(position) {
        lines.append((.minus, old[position]))
        position += 1
      }
      if inserted.contains(index) {
        lines.append((.plus, line))
      } else {
        lines.append((.same, line))
        position += 1
      }
    }
    return lines + old[position...].map { (.minus, $0) }
  }

  private func line(_ sign: Sign, _ text: String, _ indent: Int) -> String {
    let line = "\(String(repeating: " ", count: indent))\(sign.rawValue) \(Text.printable(text))"
    guard isColoured, let colour = sign.colour else { return line }
    return "\u{1B}[\(colour)m\(line)\u{1B}[0m"
  }

  private var summary: String {
    counted(["to create", "to change", "to delete", "to leave"])
  }

  private func counted(_ words: [String]) -> String {
    guard !plan.isEmpty else { return "nothing to change" }
    var created = 0
    var changed = 0
    var deleted = 0
    var retained = 0
    for change in plan.changes {
      switch change.action {
      case .create: created += 1
      case .update, .replace: changed += 1
      case .delete: deleted += 1
      case .retain: retained += 1
      case .none: break
      }
    }
    let parts = zip([created, changed, deleted, retained], words).filter { $0.0 > 0 }
      .map { "\($0.0) \($0.1)" }
    return parts.isEmpty ? "outputs change" : parts.joined(separator: ", ")
  }
}

extension JSONLayout {
  /// Returns the JSON with one value on each line. Returns text that is not JSON unchanged.
  fileprivate static func indented(_ json: String) -> String {
    guard let document = try? JSONDocument(json) else { return json }
    var writer = JSONWriter(.plan)
    writer.copy(document.root)
    return writer.finish().withBytes { bytes in
      bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
  }
}
