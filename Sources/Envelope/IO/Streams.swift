/// Where bytes come from.
public protocol ByteSource: AnyObject {
  /// Reads at most as many bytes as `buffer` has; 0 says that the input has ended.
  func read(into buffer: inout MutableRawSpan) throws -> Int
  /// How many bytes are likely to come, for sizing buffers and progress; nothing is bounded by it.
  var expectedCount: Int64? { get }
}

/// Where bytes go.
public protocol ByteSink: AnyObject {
  /// Takes all of `bytes`.
  func write(_ bytes: RawSpan) throws
  /// Whether nobody sees what was written until the owner says that all of it is good.
  var discardsOnFailure: Bool { get }
}

/// A file, pipe or terminal, read from where it stands.
public final class DescriptorSource: ByteSource {
  private let descriptor: Descriptor
  public let expectedCount: Int64?

  public init(_ descriptor: Descriptor) {
    self.descriptor = descriptor
    let status = try? descriptor.status()
    expectedCount = status?.kind == .regular ? status?.size : nil
  }

  public func read(into buffer: inout MutableRawSpan) throws -> Int {
    try descriptor.read(into: &buffer)
  }
}

/// A pipe, terminal or device that shows what is written as it is written.
public final class DescriptorSink: ByteSink {
  private let descriptor: Descriptor
  public let discardsOnFailure = false

  public init(_ descriptor: Descriptor) { self.descriptor = descriptor }

  public func write(_ bytes: RawSpan) throws { try descriptor.write(bytes) }
}

/// Nowhere: what `verify` writes to.
public final class NullSink: ByteSink {
  public let discardsOnFailure = true

  public init() {}

  public func write(_ bytes: RawSpan) {}
}
