import Foundation

/// The medians of all rounds, as a Markdown table.
struct Report {
  private struct Place: Hashable {
    let operation: MeasuredOperation
    let keyCount: Int
    let crew: Crew
  }

  private var rates: [Place: [Rate]] = [:]

  mutating func add(_ rate: Rate, _ operation: MeasuredOperation, keyCount: Int, _ crew: Crew) {
    rates[Place(operation: operation, keyCount: keyCount, crew: crew), default: []].append(rate)
  }

  /// The ratios of a row are ratios of its medians; the last ones are to the store with the fewest
  /// keys.
  func table(keyCounts: [Int]) -> String {
    var lines = [
      "| operation | keys | 1 thread | 2 threads | 2 ÷ 1 | cores used | a host each | ÷ 1 "
        + "| cores used | 1 thread ÷ \(keyCounts[0]) keys | 2 threads ÷ \(keyCounts[0]) keys |",
      "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for operation in MeasuredOperation.allCases {
      for keyCount in keyCounts {
        func rate(_ crew: Crew, _ count: Int) -> Double {
          median(Place(operation: operation, keyCount: count, crew: crew), \.perSecond)
        }
        func cores(_ crew: Crew) -> String {
          ratio(median(Place(operation: operation, keyCount: keyCount, crew: crew), \.coresUsed))
        }
        let (one, two) = (rate(.oneThread, keyCount), rate(.twoThreads, keyCount))
        let apart = rate(.twoHosts, keyCount)
        let cells = [
          operation.rawValue, grouped(keyCount), grouped(Int(one)), grouped(Int(two)),
          ratio(two / one), cores(.twoThreads), grouped(Int(apart)), ratio(apart / one),
          cores(.twoHosts), ratio(one / rate(.oneThread, keyCounts[0])),
          ratio(two / rate(.twoThreads, keyCounts[0])),
        ]
        lines.append("| " + cells.joined(separator: " | ") + " |")
      }
    }
    return lines.joined(separator: "\n")
  }

  private func median(_ place: Place, _ figure: KeyPath<Rate, Double>) -> Double {
    let sorted = rates[place, default: []].map { $0[keyPath: figure] }.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  private func ratio(_ value: Double) -> String { String(format: "%.2f", value) }

  private func grouped(_ number: Int) -> String {
    let digits = Array(String(number))
    return digits.indices.reduce(into: "") { text, index in
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digits[index])
    }
  }
}
