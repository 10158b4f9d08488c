import Foundation
import SystemPackage

// KeyServiceRates [ROUNDS [SECONDS [KEYS]]]: operations per second of the key service in this
// process. README.md says more.

let numbers = CommandLine.arguments.dropFirst().map { Double($0) ?? 0 }
guard numbers.count <= 3, numbers.allSatisfy({ $0 > 0 }) else {
  FileHandle.standardError.write(Data("usage: KeyServiceRates [ROUNDS [SECONDS [KEYS]]]\n".utf8))
  exit(64)
}
let rounds = Int(numbers.first ?? 7)
let duration = Duration.seconds(numbers.dropFirst().first ?? 1)

// Memory, so that no disk is measured.
let directory = FilePath("/dev/shm/envcrypt-rates-\(getpid())")
mkdir(directory.string, 0o700)
defer { try? FileManager.default.removeItem(atPath: directory.string) }

let keyCounts = [10, Int(numbers.dropFirst(2).first ?? 100_000)]
let stores = try keyCounts.map { try FilledKeystore(keyCount: $0, in: directory) }
var report = Report()
// The first round warms up. Each round measures everything once, so that other load on the machine
// affects all figures.
for round in 0...rounds {
  for operation in MeasuredOperation.allCases {
    for store in stores {
      for crew in Crew.allCases {
        let rate = try measure(operation, on: store, by: crew, for: duration)
        if round > 0 { report.add(rate, operation, keyCount: store.keyCount, crew) }
      }
    }
  }
}
print(report.table(keyCounts: keyCounts))
