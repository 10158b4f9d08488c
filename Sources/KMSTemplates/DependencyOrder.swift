/// An order of names in which each name comes after the names that it needs, or a cycle if there is
/// no such order.
enum DependencyOrder: Equatable {
  case order([String])
  /// A cycle of names. The first name is repeated at the end.
  case cycle([String])

  /// If the dependencies leave a choice, the order is that of `names`.
  init(_ names: [String], _ needs: (String) -> [String]) {
    var order: [String] = []
    var done: Set<String> = []
    // This is not recursive, because a chain may be as long as the template.
    for name in names where !done.contains(name) {
      var path = [(name: name, rest: needs(name)[...])]
      var open: Set<String> = [name]
      while let last = path.last {
        guard let next = last.rest.first else {
          order.append(last.name)
          done.insert(last.name)
          open.remove(last.name)
          path.removeLast()
          continue
        }
        path[path.count - 1].rest.removeFirst()
        if open.contains(next) {
          let start = path.firstIndex { $0.name == next } ?? 0
          self = .cycle(path[start...].map(\.name) + [next])
          return
        }
        guard !done.contains(next) else { continue }
        path.append((next, needs(next)[...]))
        open.insert(next)
      }
    }
    self = .order(order)
  }
}
