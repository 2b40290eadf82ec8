#include <utility>

#include "base/ip_network.h"
#include "config/sections.h"

namespace config {
namespace {

constexpr std::size_t longest_name = 200;

Read<std::string> parse_route_name(std::string_view text) {
  if (text.size() > longest_name) return std::unexpected("a name of at most 200 characters");
  return std::string(text);
}

// A request may name an address as its host; it is compared in its canonical form, IPv6 in brackets.
Read<std::string> parse_route_host(std::string_view text) {
  if (const auto address = base::IpAddress::parse(text)) return address->to_host();
  return parse_host_pattern(text);
}

void read_action(const Mapping& map, RoutesSection& section, Route& route) {
  const auto kind = map.only_one_of({"backend", "redirect", "respond"});
  if (kind == "redirect") route.action = read_redirect(*map.find("redirect"));
  if (kind == "respond") route.action = read_respond(*map.find("respond"));
  if (kind == "backend") {
    ToBackend to;
    const Value backend = *map.find("backend");
    to.backend = backend.text().value_or("");
    if (!to.backend.empty()) section.backends.push_back({to.backend, backend.mark()});
    if (map.has("replace_prefix")) to.replace_prefix = map.parsed("replace_prefix", parse_url_path);
    route.action = std::move(to);
  } else if (kind && map.has("replace_prefix")) {
    map.refuse_key("replace_prefix", "it beside `backend` (a redirect has its own)");
  }
  if (map.has("replace_prefix") && route.path.kind == PathMatch::Kind::exact) {
    map.refuse_key("replace_prefix", "a path of kind `prefix` beside it");
  }
}

Route read_route(const Mapping& map, RoutesSection& section) {
  Route route;
  route.name = map.parsed("name", parse_route_name);
  route.hosts = parsed_list(map.find("hosts"), parse_route_host);
  if (const auto path = map.find("path")) route.path = read_path_match(*path);
  route.methods = parsed_list(map.find("methods"), parse_method);
  if (const auto headers = map.find("headers")) route.headers = read_header_matches(*headers);
  read_action(map, section, route);
  route.redirect_to_https = map.boolean("https_redirect", false);
  if (const auto changes = map.find("request_headers")) route.request_headers = read_header_changes(*changes);
  if (const auto changes = map.find("response_headers")) route.response_headers = read_header_changes(*changes);
  if (const auto size = map.find("body_size")) {
    route.body_size = size->size({Bytes{0}, Bytes{std::uint64_t{1} << 50U}});
  }
  if (const auto timeout = map.find("request_timeout")) route.request_timeout = timeout->duration(wait_or_none);
  return route;
}

}  // namespace

RoutesSection read_routes(const Value& value) {
  RoutesSection section;
  std::vector<PlacedRoute> routes;
  for (const Value& element : value.list()) {
    const Mapping map(element, keys::route);
    PlacedRoute placed;
    placed.route = read_route(map, section);
    placed.mark = element.mark();
    if (map.has("name")) placed.name = map.find("name")->mark();
    routes.push_back(std::move(placed));
  }
  section.routes = distinct_routes(std::move(routes), value.scope());
  return section;
}

}  // namespace config
