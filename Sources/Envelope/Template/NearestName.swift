/// The name that was meant by a misspelt one.
enum NearestName {
  /// "unknown property 'Descripton', 'Description' is near".
  static func hint(_ name: String, in names: [String]) -> String {
    nearest(to: name, in: names).map { ", '\($0)' is near" } ?? ""
  }

  static func nearest(to name: String, in names: [String]) -> String? {
    let nearest = names.map { (name: $0, distance: distance(name.lowercased(), $0.lowercased())) }
      .min { $0.distance < $1.distance }
    // Two letters changed places are two changes.
    let limit = min(3, (name.count + 1) / 3, name.count - 1)
    return nearest.flatMap { $0.distance <= max(0, limit) ? $0.name : nil }
  }

  /// How many letters must be added, removed or changed (Levenshtein).
  private static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right.utf8)
    var row = Array(0...right.count)
    for (index, letter) in left.utf8.prefix(64).enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in right.indices {
        let changed = diagonal + (letter == right[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(changed, row[column] + 1, diagonal + 1)
      }
    }
    return row[right.count] + max(0, left.utf8.count - 64)
  }
}
