#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "config/sections.h"

namespace config {
namespace {

constexpr std::size_t longest_made_name = 200;

HeaderMatch read_header_match(const Value& value) {
  const Mapping map(value, keys::header_match);
  HeaderMatch match;
  (void)map.require("name");
  match.name = map.parsed("name", parse_header_name);
  const auto kind = map.only_one_of({"exact", "prefix", "present", "absent"});
  if (!kind) return match;
  const Value condition = *map.find(*kind);
  if (kind == "exact" || kind == "prefix") {
    match.kind = kind == "exact" ? HeaderMatch::Kind::exact : HeaderMatch::Kind::prefix;
    match.value = condition.parsed(parse_header_value).value_or("");
    return match;
  }
  match.kind = kind == "present" ? HeaderMatch::Kind::present : HeaderMatch::Kind::absent;
  if (condition.boolean() == false) condition.refuse("true");
  return match;
}

// Equal for two routes exactly when they match the same requests, the host left aside.
std::string identity(const Route& route) {
  std::vector<std::string> conditions;
  for (const std::string& method : route.methods) conditions.push_back("m" + method);
  for (const HeaderMatch& header : route.headers) {
    conditions.push_back(fmt::format("h{}\n{}\n{}", header.name, static_cast<int>(header.kind), header.value));
  }
  std::ranges::sort(conditions);
  std::string result = fmt::format("{}{}", static_cast<int>(route.path.kind), route.path.path);
  for (const std::string& condition : conditions) result += "\n\n" + condition;
  return result;
}

void refuse_same_matches(const std::vector<PlacedRoute>& routes, const Scope& scope) {
  std::map<std::pair<std::string, std::string>, Mark> seen;
  for (const PlacedRoute& placed : routes) {
    const std::string what = identity(placed.route);
    std::vector<std::string> hosts = placed.route.hosts;
    if (hosts.empty()) hosts.emplace_back("*");
    for (const std::string& host : hosts) {
      const auto [first, is_new] = seen.try_emplace({host, what}, placed.mark);
      if (is_new) continue;
      scope.faults.add(placed.mark,
                       fmt::format("a route that matches for {} exactly what the route at line {} matches", quote(host),
                                   first->second.line),
                       "another host, path, method or header");
      break;
    }
  }
}

// "www.example.com/app1", "*/"; with "#2" and so on where that is taken.
std::string made_name(const Route& route, const std::set<std::string>& taken) {
  const std::string base =
      ((route.hosts.empty() ? "*" : route.hosts.front()) + route.path.path).substr(0, longest_made_name);
  std::string name = base;
  for (unsigned i = 2; taken.contains(name); ++i) name = fmt::format("{}#{}", base, i);
  return name;
}

}  // namespace

PathMatch read_path_match(const Value& value) {
  PathMatch match;
  if (value.is(YamlNode::Kind::scalar)) {
    value.refuse(fmt::format("{{ prefix: {} }} or {{ exact: {} }}", value.node().text.substr(0, 60),
                             value.node().text.substr(0, 60)));
    return match;
  }
  const Mapping map(value, keys::path);
  const auto kind = map.only_one_of({"prefix", "exact"});
  if (!kind) return match;
  match.kind = kind == "exact" ? PathMatch::Kind::exact : PathMatch::Kind::prefix;
  match.path = map.find(*kind)->parsed(parse_url_path).value_or("/");
  // A prefix is matched by whole segments, where /app and /app/ are the same.
  if (match.kind == PathMatch::Kind::prefix) {
    while (match.path.size() > 1 && match.path.back() == '/') match.path.pop_back();
  }
  return match;
}

std::vector<HeaderMatch> read_header_matches(const Value& value) {
  std::vector<HeaderMatch> matches;
  for (const Value& element : value.list()) matches.push_back(read_header_match(element));
  return matches;
}

std::vector<Route> distinct_routes(std::vector<PlacedRoute> routes, const Scope& scope) {
  refuse_same_matches(routes, scope);
  std::set<std::string> names;
  for (const PlacedRoute& placed : routes) {
    if (!placed.name || placed.route.name.empty()) continue;
    if (!names.insert(placed.route.name).second) {
      scope.faults.add(*placed.name, "route name " + quote(placed.route.name) + " a second time",
                       "each name only once");
    }
  }
  std::vector<Route> result;
  result.reserve(routes.size());
  for (PlacedRoute& placed : routes) {
    if (placed.route.name.empty()) {
      placed.route.name = made_name(placed.route, names);
      names.insert(placed.route.name);
    }
    result.push_back(std::move(placed.route));
  }
  return result;
}

}  // namespace config
