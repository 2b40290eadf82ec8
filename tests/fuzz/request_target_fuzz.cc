// Any request line and Host: what normalize_target accepts is origin form without dot segments, does not change when it
// is normalized again, and matches routes without a fault.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/request_target.h"
#include "proxy/route_table.h"

namespace {

void expect(bool held) {
  if (!held) std::abort();
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

config::Route route(std::string name, std::string host, std::string path) {
  config::Route made;
  made.name = std::move(name);
  if (!host.empty()) made.hosts = {std::move(host)};
  made.path = {config::PathMatch::Kind::prefix, std::move(path)};
  made.action = config::Respond{};
  return made;
}

const proxy::RouteTable& table() {
  static proxy::RouteSlots slots;
  static const proxy::RouteTable made(
      {route("exact", "www.example.com", "/app"), route("wild", "*.example.com", "/"), route("any", "", "/app/deep")},
      slots);
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  proxy::RequestHead head;
  head.method = std::string(take_line(text));
  head.verb = proxy::http::string_to_verb(head.method);
  head.target = std::string(take_line(text));
  const std::string_view host = take_line(text);
  if (!host.empty()) head.headers.add(proxy::http::field::host, host);
  if (!proxy::normalize_target(head)) return 0;
  if (head.verb == proxy::http::verb::connect || head.target == "*") return 0;

  expect(!head.target.empty() && head.target.front() == '/');
  const std::string_view path = head.path();
  expect(path.find("/../") == std::string_view::npos && path.find("/./") == std::string_view::npos);
  expect(!path.ends_with("/..") && !path.ends_with("/."));
  expect(!proxy::needs_path_normalization(path) || proxy::normalized_path(path) == path);
  const proxy::CompiledRoute* found = table().match(head);
  if (found != nullptr) {
    expect(proxy::matches_prefix(path, found->config.path.path));
    const std::string replaced = proxy::replace_prefix(head.target, found->config.path.path, "/v2");
    expect(replaced.starts_with("/v2"));
  }
  return 0;
}
