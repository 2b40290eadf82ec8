#include "proxy/route_table.h"

#include <algorithm>
#include <tuple>

#include "proxy/request_target.h"
#include "proxy/stats.h"

namespace proxy {
namespace {

// How a host is looked up: without the brackets of an IPv6 address and the dot of a fully qualified name.
std::string_view bare(std::string_view host) noexcept {
  if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  return host;
}

bool goes_before(const CompiledRoute* a, const CompiledRoute* b) {
  // Smaller is better. The slash at the end of a prefix does not make it longer.
  const auto rank = [](const CompiledRoute& route) {
    std::string_view path = route.config.path.path;
    const bool is_prefix = route.config.path.kind == config::PathMatch::Kind::prefix;
    while (is_prefix && path.ends_with('/')) path.remove_suffix(1);
    const std::size_t conditions = route.config.headers.size() + (route.config.methods.empty() ? 0 : 1);
    return std::tuple(is_prefix, ~path.size(), ~conditions, route.index);
  };
  return rank(*a) < rank(*b);
}

bool field_matches(const config::HeaderMatch& wanted, const HeaderView& field) {
  if (!iequals(field.name, wanted.name)) return false;
  switch (wanted.kind) {
    case config::HeaderMatch::Kind::exact:
      return field.value == wanted.value;
    case config::HeaderMatch::Kind::prefix:
      return field.value.starts_with(wanted.value);
    case config::HeaderMatch::Kind::present:
    case config::HeaderMatch::Kind::absent:
      return true;
  }
  return false;
}

// With several fields of one name, one that matches is enough.
bool header_matches(const config::HeaderMatch& wanted, const HeaderList& headers) {
  bool found = false;
  for (const HeaderView field : headers) found = found || field_matches(wanted, field);
  return found != (wanted.kind == config::HeaderMatch::Kind::absent);
}

bool route_matches(const config::Route& route, std::string_view path, const RequestHead& request) {
  if (route.path.kind == config::PathMatch::Kind::exact ? path != route.path.path
                                                        : !matches_prefix(path, route.path.path)) {
    return false;
  }
  if (!route.methods.empty() && std::ranges::find(route.methods, request.method) == route.methods.end()) return false;
  return std::ranges::all_of(route.headers,
                             [&](const auto& wanted) { return header_matches(wanted, request.headers); });
}

constexpr std::size_t overflow_slot = WorkerStats::most_routes - 1;

}  // namespace

std::size_t RouteSlots::slot(const std::string& name) {
  const auto known = slots_.find(name);
  if (known != slots_.end()) return known->second;
  if (slots_.size() >= overflow_slot) {
    overflowed_ = true;  // and the name is not kept: the map stays bounded
    return overflow_slot;
  }
  const std::size_t next = slots_.size();
  slots_.emplace(name, next);
  return next;
}

std::vector<std::string> RouteSlots::names() const {
  std::vector<std::string> names(overflowed_ ? WorkerStats::most_routes : slots_.size());
  if (overflowed_) names[overflow_slot] = "(other)";
  for (const auto& [name, slot] : slots_) names[slot] = name;
  return names;
}

RouteTable::RouteTable(const std::vector<config::Route>& routes, RouteSlots& slots) {
  for (const config::Route& route : routes) {
    CompiledRoute compiled{.config = route, .index = routes_.size(), .slot = slots.slot(route.name)};
    routes_.push_back(std::make_unique<const CompiledRoute>(std::move(compiled)));
    const CompiledRoute* added = routes_.back().get();
    if (route.hosts.empty()) any_.ordered.push_back(added);
    for (const std::string& host : route.hosts) {
      Host& place =
          host.starts_with("*.") ? wildcard_[std::string(bare(host.substr(1)))] : exact_[std::string(bare(host))];
      if (std::ranges::find(place.ordered, added) == place.ordered.end()) place.ordered.push_back(added);
    }
  }
  std::ranges::sort(any_.ordered, goes_before);
  for (auto& [name, host] : exact_) std::ranges::sort(host.ordered, goes_before);
  for (auto& [name, host] : wildcard_) std::ranges::sort(host.ordered, goes_before);
}

const CompiledRoute* RouteTable::match(const RequestHead& request) const {
  const Host& host = host_for(bare(request.host()));
  // "OPTIONS *" is about the whole server, and so about what its root is.
  const std::string_view path = request.target == "*" ? "/" : request.path();
  const CompiledRoute* const found = first_match(host, path, request);
  if (!has_lenient_reading(path)) return found;
  const CompiledRoute* const other = first_match(host, lenient_path(path), request);
  if (found == nullptr || other == nullptr) return found == nullptr ? other : found;
  return goes_before(other, found) ? other : found;
}

const CompiledRoute* RouteTable::first_match(const Host& host, std::string_view path,
                                             const RequestHead& request) noexcept {
  for (const CompiledRoute* route : host.ordered) {
    if (route_matches(route->config, path, request)) return route;
  }
  return nullptr;
}

const RouteTable::Host& RouteTable::host_for(std::string_view name) const noexcept {
  if (const auto exact = exact_.find(name); exact != exact_.end()) return exact->second;
  const std::size_t dot = name.find('.');
  // One label: "*.example.com" is not for "example.com" and not for ".example.com".
  if (wildcard_.empty() || dot == std::string_view::npos || dot == 0) return any_;
  const auto wildcard = wildcard_.find(name.substr(dot));
  return wildcard == wildcard_.end() ? any_ : wildcard->second;
}

}  // namespace proxy
