// Any bytes as an HTTP/1 request: the parser keeps to its limits, and an accepted head holds no control character that
// could begin another line at the backend.
#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/h1_parser.h"

namespace {

void expect(bool held) {
  if (!held) std::abort();
}

bool one_line(std::string_view text) {
  return text.find('\0') == std::string_view::npos && text.find_first_of("\r\n") == std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::vector<char> text(bytes, bytes + size);
  proxy::RequestHead head;
  proxy::HeaderList trailers;
  const proxy::HeadLimits limits{.header_count = 20, .header_size = 1024, .target_size = 256};
  proxy::H1Parser<true> parser(head, trailers, limits);
  parser.eager(false);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(text), error);
  if (error || !parser.is_header_done()) return 0;

  expect(head.target.size() <= limits.target_size);
  expect(one_line(head.method) && one_line(head.target));
  for (const proxy::HeaderView& field : head.headers) {
    expect(!field.name.empty() && one_line(field.name) && one_line(field.value));
  }
  expect(head.headers.size() <= limits.header_count);
  return 0;
}
