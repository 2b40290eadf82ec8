// Lines: method, target, host. What is accepted is origin form, stays the same when it is normalized again, and holds
// nothing that could break out of a request line.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/request_target.h"
#include "tests/support/lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  proxy::RequestHead head;
  head.method = test::next_line(text);
  head.verb = proxy::http::string_to_verb({head.method.data(), head.method.size()});
  head.target = test::next_line(text);
  head.headers.add(proxy::http::field::host, test::next_line(text));
  if (!proxy::normalize_target(head)) return 0;
  for (const char c : head.target + head.authority) {
    if (c <= ' ' || c == '\x7f' || c == '#') std::abort();
  }
  const bool is_path = head.target.starts_with('/');
  if (!is_path && head.target != "*" && head.verb != proxy::http::verb::connect) std::abort();
  if (is_path && proxy::needs_path_normalization(head.path())) std::abort();
  proxy::RequestHead again;
  again.verb = head.verb;
  again.target = head.target;
  again.headers.add(proxy::http::field::host, head.authority);
  if (!proxy::normalize_target(again) || again.target != head.target || again.authority != head.authority) std::abort();
  if (is_path && !proxy::replace_prefix(head.target, "/a", "/b").starts_with('/')) std::abort();
  if (is_path && !proxy::matches_prefix(head.path(), "/")) std::abort();
  return 0;
}
