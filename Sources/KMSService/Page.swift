import Envelope
import Foundation
import KMSAPI

/// One page of a list. A request has a Limit and a Marker; its answer has NextMarker and Truncated.
/// A marker names the last item of the page before.
struct Page {
  let limit: Int
  /// The item after which the page begins.
  let after: String?
  /// The marker from which `after` was decoded.
  let marker: String?

  /// Reads the parameters of a request. Throws `validation`, `invalidMarker`.
  init(limit: Int?, marker: String?, standard: Int) throws(KeyServiceError) {
    self.limit = limit ?? standard
    self.marker = marker
    guard (1...1000).contains(self.limit) else {
      throw .validation("Limit must be 1 to 1000, not \(self.limit)")
    }
    guard let marker else {
      after = nil
      return
    }
    guard let bytes = Base64.decode(marker.utf8), !bytes.isEmpty,
      let text = String(validating: bytes, as: UTF8.self)
    else { throw .invalidMarker(marker) }
    after = text
  }

  /// Cuts `items` to the page. The caller has looked for one item more than the limit, to know if
  /// there is a next page.
  func cut<Item>(
    _ items: [Item], id: (Item) -> String
  ) -> (items: [Item], nextMarker: String?, truncated: Bool) {
    guard items.count > limit else { return (items, nil, false) }
    let page = Array(items.prefix(limit))
    let marker = String(decoding: Base64.encode(Array(id(page[limit - 1]).utf8)), as: UTF8.self)
    return (page, marker, true)
  }

  /// Cuts a complete list to the page. The markers are made of the items' `id`.
  func cut<Item>(
    whole items: [Item], id: (Item) -> String
  ) throws(KeyServiceError) -> (items: [Item], nextMarker: String?, truncated: Bool) {
    guard let after else { return cut(items, id: id) }
    guard let index = items.firstIndex(where: { id($0) == after }) else {
      throw .invalidMarker(marker ?? "")
    }
    return cut(Array(items[(index + 1)...]), id: id)
  }
}

extension KeyService {
  /// Requests all pages, and returns them as one answer.
  package func performAll<Request: PagedRequest & HandledRequest>(
    _ request: Request
  ) throws -> Request.Response {
    var request = request
    request.limit = 1000
    request.marker = nil
    var whole = try perform(request)
    while let marker = whole.nextMarker {
      request.marker = marker
      let next = try perform(request)
      whole.append(next)
      whole.nextMarker = next.nextMarker
    }
    whole.truncated = nil
    return whole
  }
}
