import Synchronization

/// The hash that a signed message passes through, and on which side of a batch the message is.
enum StreamSignature {
  case input(any SignatureHash)
  case output(any SignatureHash)

  func update(with batch: Batch) throws {
    switch self {
    case .input(let hash):
      try batch.input.withBytes(in: 0..<batch.frameEnd) { try hash.update($0) }
    case .output(let hash):
      try batch.output.withBytes(in: 0..<batch.outputCount) { try hash.update($0) }
    }
  }
}

/// Takes the regular frames of one message through the threads: each reads a batch, seals or opens
/// it, and writes it. What has an order, reading from a pipe, hashing for a signature, writing to a
/// pipe, is done in turns; everything else at once.
final class Pipeline: @unchecked Sendable {
  private let scheduler: Scheduler
  private let reader: any BatchReader
  private let makeTransform: @Sendable () throws -> any FrameTransform
  private let signature: StreamSignature?
  private let writer: BatchWriter
  private let progress: ProgressHandler?

  private struct State {
    var nextTicket = 0
    /// The lowest ticket that has found the end.
    var end: Int?
    var last: Batch?
    /// The lowest ticket that has failed.
    var failure: (ticket: Int, error: any Error)?
    var spares = 0
  }

  private let state = Mutex(State())
  private let helpers: ThreadGroup
  private let reading = Turnstile()
  private let signing = Turnstile()
  private let writing = Turnstile()
  private let cancellation: Cancellation?

  init(
    _ scheduler: Scheduler, from reader: any BatchReader, to writer: BatchWriter,
    signature: StreamSignature?, progress: ProgressHandler?,
    transform makeTransform: @escaping @Sendable () throws -> any FrameTransform
  ) {
    self.scheduler = scheduler
    helpers = ThreadGroup(scheduler)
    self.reader = reader
    self.writer = writer
    self.signature = signature
    self.progress = progress
    self.makeTransform = makeTransform
    cancellation = reader.isOrdered && scheduler.jobs > 1 ? Cancellation() : nil
  }

  /// Works off all batches; returns the last one, which the caller gives back to the scheduler.
  /// Throws what failed first in the order of the stream: everything before it has been written.
  func run() throws -> Batch {
    work()
    helpers.wait()
    return try state.withLock { state in
      if let failure = state.failure, failure.ticket <= state.last?.ticket ?? .max {
        throw failure.error
      }
      return state.last!
    }
  }

  /// What every thread does.
  private func work() {
    var transform: (any FrameTransform)?
    var batch = scheduler.takeBatch()
    while let ticket = claim() {
      batch.ticket = ticket
      do {
        let isLast = try process(batch, with: &transform)
        if isLast { batch = keep(batch) ?? scheduler.takeBatch() }
      } catch {
        fail(ticket, error)
      }
    }
    scheduler.giveBack(batch)
  }

  /// Takes one batch through all steps; true where it is the last one.
  private func process(_ batch: Batch, with transform: inout (any FrameTransform)?) throws -> Bool {
    guard let reading = try read(batch) else { return false }
    let isLast = reading == .last
    if !isLast { startHelper(behind: batch) }
    let frames: any FrameTransform
    if let transform { frames = transform } else { frames = try makeTransform() }
    transform = frames
    try frames.apply(to: batch)
    if let signature {
      let isDone: Void? = try signing.pass(batch.ticket) { try signature.update(with: batch) }
      guard isDone != nil else { return false }
    }
    if writer.isOrdered {
      let isDone: Void? = try writing.pass(batch.ticket) { try writer.write(batch) }
      guard isDone != nil else { return false }
    } else {
      try writer.write(batch)
    }
    progress?(batch.frameEnd)
    return isLast
  }

  private func read(_ batch: Batch) throws -> BatchReading? {
    func read() throws -> BatchReading? {
      let result = try reader.read(into: batch, unless: cancellation)
      // Before the turn passes on: whoever read behind the end would take what closes the message.
      if result == .last { end(at: batch.ticket) }
      return result == .cancelled ? nil : result
    }
    return try reader.isOrdered ? reading.pass(batch.ticket, read) : read()
  }

  // MARK: Who works on what

  private func claim() -> Int? {
    state.withLock { state in
      guard state.end == nil, state.failure == nil else { return nil }
      defer { state.nextTicket += 1 }
      return state.nextTicket
    }
  }

  /// Nothing behind `ticket` belongs to the stream.
  private func end(at ticket: Int) {
    state.withLock { $0.end = min($0.end ?? .max, ticket) }
    close(from: ticket + 1)
  }

  /// Keeps the last batch of all that think they are; returns one that is not.
  private func keep(_ batch: Batch) -> Batch? {
    state.withLock { state in
      guard let last = state.last else {
        state.last = batch
        return nil
      }
      if last.ticket < batch.ticket { return batch }
      state.last = batch
      return last
    }
  }

  private func fail(_ ticket: Int, _ error: any Error) {
    state.withLock { state in
      if let failure = state.failure, failure.ticket < ticket { return }
      state.failure = (ticket, error)
    }
    close(from: ticket)
    cancellation?.cancel()
  }

  private func close(from ticket: Int) {
    for turnstile in [reading, signing, writing] { turnstile.close(from: ticket) }
  }

  // MARK: Helpers

  /// Where something is done in turns a thread may have to wait for its own: so many more keep the
  /// cores busy meanwhile.
  private var spareLimit: Int {
    reader.isOrdered || writer.isOrdered || signature != nil ? 2 : 0
  }

  /// Asks for one more thread where there is work for it.
  private func startHelper(behind batch: Batch) {
    guard scheduler.jobs > 1 else { return }
    if let expected = reader.expectedCount(behind: batch) {
      guard expected >= scheduler.helpThreshold else { return }
    } else {
      guard batch.ticket > 0 else { return }
    }
    if helpers.start({ [self] in work() }) { return }
    let isSpareWanted = state.withLock { state in
      defer { state.spares += 1 }
      return state.spares < spareLimit
    }
    if isSpareWanted { _ = helpers.startSpare { [self] in work() } }
  }
}
