import Foundation

/// The hash of a signed message, and the side of a batch that contains the bytes of the message.
enum StreamSignature {
  case input(any SignatureHash)
  case output(any SignatureHash)

  func update(with batch: TransformedBatch) throws {
    switch self {
    case .input(let hash):
      try batch.memory.input.withBytes(in: 0..<batch.source.frameEnd) { try hash.update($0) }
    case .output(let hash):
      try batch.memory.output.withBytes(in: 0..<batch.outputCount) { try hash.update($0) }
    }
  }
}

/// A pipeline that seals or opens the regular frames of one message on several threads. Each thread
/// looks for the next task: hash a batch for the signature, write a batch, or read a batch and seal
/// or open it. One thread at a time hashes, one writes, and one reads if the input must be read in
/// order. A batch may wait for its turn. A thread does not wait with it, but takes another task.
final class Pipeline: @unchecked Sendable {
  /// The next task of a thread.
  private enum Step {
    /// Reads a batch into the memory and transforms its frames.
    case read(ticket: Int, BatchMemory)
    case sign(TransformedBatch)
    case write(TransformedBatch)
  }

  /// A step that handles one batch at a time, if necessary in the order of their tickets.
  private struct Stage {
    let isOrdered: Bool
    private var next = 0
    private var isBusy = false
    private var waiting: [Int: TransformedBatch] = [:]

    init(isOrdered: Bool) { self.isOrdered = isOrdered }

    mutating func add(_ batch: TransformedBatch) { waiting[batch.ticket] = batch }

    /// Returns the batch whose turn it is, if it has arrived and its ticket is below `limit`.
    mutating func take(below limit: Int) -> TransformedBatch? {
      guard !isBusy, !waiting.isEmpty else { return nil }
      let ticket = isOrdered ? next : waiting.keys.min()!
      guard ticket < limit, let batch = waiting.removeValue(forKey: ticket) else { return nil }
      isBusy = true
      return batch
    }

    mutating func finish() {
      isBusy = false
      next += 1
    }
  }

  /// The most bytes in all batches of one stream, unless a single batch needs more.
  private static let memoryLimit = 64 << 20

  private struct State {
    let mostBatches: Int
    var nextTicket = 0
    /// True while a thread reads an input that only one thread may read.
    var isReading = false
    /// Threads that work for the stream.
    var threads = 0
    /// Batches between reading and writing.
    var inFlight = 0
    var signing = Stage(isOrdered: true)
    /// One thread writes at a time, even if batches may be written in any order. The system lets
    /// only one thread at a time change a file, and the others would use processor time while they
    /// wait.
    var writing: Stage
    /// The lowest ticket of a batch at which the input ended.
    var end: Int?
    var last: ReadBatch?
    /// The failed batch with the lowest ticket.
    var failure: (ticket: Int, error: any Error)?
    /// Threads that wait for a task.
    var idle = 0
    /// Ends a read that waits for input. The caller gives it. If the caller gives none and the
    /// input is read in order, it is made when the first helper starts.
    var cancellation: Cancellation?

    /// The maximum number of batches between reading and writing.
    var batchLimit: Int { min(2 * threads + 2, mostBatches) }

    /// Keeps the failure that comes first in the stream.
    mutating func note(_ error: any Error, at ticket: Int) {
      if ticket < failure?.ticket ?? .max { failure = (ticket, error) }
    }

    var isReadingDone: Bool { end != nil || failure != nil }
    /// Tickets below this limit belong to the stream and come before the failed batch.
    var limit: Int { min(failure?.ticket ?? .max, end.map { $0 + 1 } ?? .max) }
  }

  private let scheduler: Scheduler
  private let reader: any BatchReader
  private let makeTransform: @Sendable () throws -> any FrameTransform
  private let signature: StreamSignature?
  private let writer: BatchWriter
  private let progress: ProgressHandler?
  private let helpers: ThreadGroup
  private let condition = NSCondition()
  /// Guarded by `condition`.
  private var state: State

  init(
    _ scheduler: Scheduler, from reader: any BatchReader, to writer: BatchWriter,
    signature: StreamSignature?, progress: ProgressHandler?, cancellation: Cancellation? = nil,
    transform makeTransform: @escaping @Sendable () throws -> any FrameTransform
  ) {
    self.scheduler = scheduler
    helpers = ThreadGroup(scheduler)
    self.reader = reader
    self.writer = writer
    self.signature = signature
    self.progress = progress
    self.makeTransform = makeTransform
    state = State(
      // The output of a batch is about as long as its input.
      mostBatches: max(1, Self.memoryLimit / (2 * reader.shape.batchLength)),
      writing: Stage(isOrdered: writer.isOrdered), cancellation: cancellation)
  }

  /// Processes all batches. Returns the last one, whose memory the caller gives back to the
  /// scheduler.
  /// Throws the failure that comes first in the stream: everything before it has been written.
  func run() throws -> ReadBatch {
    work()
    helpers.wait()
    scheduler.trimMemory()
    // A thread may have read after the end of the body, and failed. That failure does not count if
    // everything up to the end is written.
    if let last = state.last, last.ticket == state.end, last.ticket < state.failure?.ticket ?? .max
    {
      return last
    }
    throw state.failure!.error
  }

  /// The loop of every thread.
  private func work() {
    locked { $0.threads += 1 }
    var transform: (any FrameTransform)?
    while let step = nextStep() {
      switch step {
      case .read(let ticket, let memory):
        perform(ticket, memory) { try read(ticket, into: memory, &transform) }
      case .sign(let batch):
        perform(batch.ticket, batch.memory) {
          try exclusively(for: batch, { try signature!.update(with: batch) }) { state in
            state.signing.finish()
          }
          locked { $0.writing.add(batch) }
        }
      case .write(let batch):
        perform(batch.ticket, batch.memory) {
          try exclusively(for: batch, { try writer.write(batch) }) { state in
            state.writing.finish()
          }
          finish(batch)
        }
      }
    }
  }

  private func perform(_ ticket: Int, _ memory: BatchMemory, _ body: () throws -> Void) {
    do { try body() } catch { fail(ticket, memory, error) }
  }

  /// Runs a step that one thread at a time may do. After that, notes a failure, and then lets
  /// another thread do the step.
  private func exclusively(
    for batch: TransformedBatch, _ body: () throws -> Void, finish: (inout State) -> Void
  ) throws {
    let result = Result { try body() }
    locked { state in
      if case .failure(let error) = result { state.note(error, at: batch.ticket) }
      finish(&state)
    }
    try result.get()
  }

  /// Reads a batch and transforms its frames.
  private func read(
    _ ticket: Int, into memory: BatchMemory, _ transform: inout (any FrameTransform)?
  ) throws {
    let reading = try reader.read(ticket, into: memory, unless: locked { $0.cancellation })
    let isWanted = locked { state in
      state.isReading = false
      if case .last = reading { state.end = min(state.end ?? .max, ticket) }
      return ticket < state.limit
    }
    let batch: ReadBatch
    switch reading {
    case .cancelled: throw CancelledError()
    case .more(let read), .last(let read): batch = read
    }
    guard isWanted else { return drop(memory) }
    if case .more = reading { startHelper(after: batch) }
    let frames = try transform ?? makeTransform()
    transform = frames
    let result = try frames.apply(to: batch)
    locked { state in
      if signature != nil { state.signing.add(result) } else { state.writing.add(result) }
    }
  }

  // MARK: The next task

  /// The next task. Prefers hashing, which is limited to one thread at a time, then writing, which
  /// frees batches.
  private func nextStep() -> Step? {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let batch = state.signing.take(below: state.limit) { return .sign(batch) }
      if let batch = state.writing.take(below: state.limit) { return .write(batch) }
      if state.isReadingDone { return nil }
      if state.inFlight < state.batchLimit, !state.isReading {
        state.isReading = reader.isOrdered
        state.inFlight += 1
        defer { state.nextTicket += 1 }
        return .read(ticket: state.nextTicket, scheduler.takeMemory())
      }
      state.idle += 1
      condition.wait()
      state.idle -= 1
    }
  }

  /// Changes the state and wakes the threads that may find a task in it.
  private func locked<Result>(_ body: (inout State) -> Result) -> Result {
    condition.lock()
    defer { condition.unlock() }
    let result = body(&state)
    if state.idle > 0 { condition.broadcast() }
    return result
  }

  /// Finishes a written batch. Keeps the last batch of the stream.
  private func finish(_ batch: TransformedBatch) {
    progress?(batch.source.frameEnd)
    let isLast = locked { state in
      state.inFlight -= 1
      if state.end == batch.ticket { state.last = batch.source }
      return state.end == batch.ticket
    }
    if !isLast { scheduler.giveBack(batch.memory) }
  }

  private func drop(_ memory: BatchMemory) {
    locked { $0.inFlight -= 1 }
    scheduler.giveBack(memory)
  }

  private func fail(_ ticket: Int, _ memory: BatchMemory, _ error: any Error) {
    let cancellation = locked { state in
      state.note(error, at: ticket)
      return state.cancellation
    }
    cancellation?.cancel()
    drop(memory)
  }

  // MARK: Helpers

  /// Asks for one more thread if there is work for it.
  private func startHelper(after batch: ReadBatch) {
    if let expected = batch.countAfter {
      guard expected >= scheduler.helpThreshold else { return }
    } else {
      guard batch.ticket > 0 else { return }
    }
    guard scheduler.hasFreeThread else { return }
    locked { state in
      if reader.isOrdered, state.cancellation == nil { state.cancellation = Cancellation() }
    }
    _ = helpers.start { [self] in work() }
  }
}
