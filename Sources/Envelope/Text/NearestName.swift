/// A search for the name that a user probably meant.
package enum NearestName {
  /// The first of `names` that differs from `name` in the fewest bytes, ignoring case. Nil if all
  /// differ in more than one byte and in more than a third of the bytes. Every name of one letter is
  /// near every other such name, so for one letter only a difference in case counts. Uses at most 64
  /// bytes of `name`.
  package static func find(_ name: String, in names: [String]) -> String? {
    let wanted = Array(name.lowercased().utf8.prefix(64))
    let nearest = names.map { (name: $0, distance: distance(wanted, Array($0.lowercased().utf8))) }
      .min { $0.distance < $1.distance }
    let limit = wanted.count > 1 ? max(1, wanted.count / 3) : 0
    return nearest.flatMap { $0.distance <= limit ? $0.name : nil }
  }

  /// The number of bytes to add, remove or change (Levenshtein distance).
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (index, letter) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in right.indices {
        let changed = diagonal + (letter == right[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(changed, row[column] + 1, diagonal + 1)
      }
    }
    return row[right.count]
  }
}
