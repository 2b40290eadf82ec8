// Lines: authority, target, method. The table's answer is checked against the rules, read again one by one.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/request_target.h"
#include "proxy/route_table.h"
#include "tests/support/lines.h"

namespace {

config::Route route(std::string name, std::vector<std::string> hosts, std::string path, config::PathMatch::Kind kind) {
  config::Route made;
  made.name = std::move(name);
  made.hosts = std::move(hosts);
  made.path = {kind, std::move(path)};
  return made;
}

const proxy::RouteTable& table() {
  using Kind = config::PathMatch::Kind;
  static proxy::RouteSlots slots;
  static const proxy::RouteTable made(
      {route("any", {}, "/", Kind::prefix), route("app", {"a.b"}, "/app", Kind::prefix),
       route("exact", {"a.b"}, "/app/x", Kind::exact), route("wild", {"*.b"}, "/w/", Kind::prefix)},
      slots);
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  proxy::RequestHead head;
  head.authority = test::next_line(text);
  head.target = test::next_line(text);
  head.method = test::next_line(text);
  const proxy::CompiledRoute* found = table().match(head);
  if (found == nullptr) return 0;
  const config::Route& matched = found->config;
  const std::string_view path = head.target == "*" ? "/" : head.path();
  const auto read_as = [&](std::string_view reading) {
    return matched.path.kind == config::PathMatch::Kind::exact ? reading == matched.path.path
                                                               : proxy::matches_prefix(reading, matched.path.path);
  };
  if (!read_as(path) && !(proxy::has_lenient_reading(path) && read_as(proxy::lenient_path(path)))) std::abort();
  if (matched.name == "app" && path == "/app/x") std::abort();
  if (matched.name == "any" && head.host() == "a.b") std::abort();
  if (matched.name == "wild" && (head.host() == "a.b" || !head.host().contains(".b"))) std::abort();
  return 0;
}
