#include "proxy/route_table.h"

#include <algorithm>
#include <tuple>
#include <unordered_set>
#include <utility>

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

bool goes_before(const CompiledRoute& a, const CompiledRoute& b) {
  // Smaller is better. The slash at the end of a prefix does not make it longer.
  const auto rank = [](const CompiledRoute& route) {
    std::string_view path = route.config.path.path;
    const bool is_prefix = route.config.path.kind == config::PathMatch::Kind::prefix;
    while (is_prefix && path.ends_with('/')) path.remove_suffix(1);
    const std::size_t conditions = route.config.headers.size() + (route.config.methods.empty() ? 0 : 1);
    return std::tuple(is_prefix, ~path.size(), ~conditions, route.order);
  };
  return rank(a) < rank(b);
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

std::shared_ptr<const std::size_t> RouteSlots::number_of_backend(const std::string& name) {
  if (backends_.size() >= look_for_free_at_ && !backends_.contains(name)) free_numbers();
  Number& number = backends_[name];
  if (auto held = number.held.lock()) return held;
  if (number.value == 0 && free_numbers_.empty()) {
    number.value = next_number_++;
  } else if (number.value == 0) {
    number.value = free_numbers_.back();
    free_numbers_.pop_back();
  }
  auto fresh = std::make_shared<const std::size_t>(number.value);
  number.held = fresh;
  return fresh;
}

void RouteSlots::free_numbers() {
  std::erase_if(backends_, [this](const auto& entry) {
    if (!entry.second.held.expired()) return false;
    free_numbers_.push_back(entry.second.value);
    return true;
  });
  look_for_free_at_ = std::max<std::size_t>(1024, 2 * backends_.size());
}

std::vector<std::string> RouteSlots::names() const {
  std::vector<std::string> names(overflowed_ ? WorkerStats::most_routes : slots_.size());
  if (overflowed_) names[overflow_slot] = "(other)";
  for (const auto& [name, slot] : slots_) names[slot] = name;
  return names;
}

RoutePtr compile(const config::Route& route, std::size_t order, RouteSlots& slots) {
  CompiledRoute compiled{.config = route, .order = order, .slot = slots.slot(route.name)};
  if (const auto* to = std::get_if<config::ToBackend>(&route.action)) {
    compiled.number = slots.number_of_backend(to->backend);
    compiled.index = *compiled.number;
  }
  return std::make_shared<const CompiledRoute>(std::move(compiled));
}

RouteTable::RoutesByHost compile_by_host(const std::vector<config::Route>& routes, RouteSlots& slots) {
  RouteTable::RoutesByHost by_host;
  std::size_t order = 0;
  for (const config::Route& route : routes) {
    const RoutePtr added = compile(route, order++, slots);
    if (route.hosts.empty()) by_host[""].push_back(added);
    for (const std::string& host : route.hosts) {
      auto& place = by_host[host];
      if (std::ranges::find(place, added) == place.end()) place.push_back(added);
    }
  }
  return by_host;
}

RouteTable::RouteTable(const std::vector<config::Route>& routes, RouteSlots& slots)
    : RouteTable(RouteTable().with(compile_by_host(routes, slots))) {}

RouteTable RouteTable::with(const RoutesByHost& changes) const {
  RouteTable next = *this;
  ShardedMap<HostPtr>::Changes hosts;
  for (const auto& [name, routes] : changes) {
    HostPtr host;
    if (!routes.empty()) {
      Host made{.ordered = routes};
      std::ranges::sort(made.ordered, [](const RoutePtr& a, const RoutePtr& b) { return goes_before(*a, *b); });
      host = std::make_shared<const Host>(std::move(made));
    }
    if (name.empty()) {
      next.any_ = std::move(host);
      continue;
    }
    std::string key(bare(name.starts_with("*.") ? std::string_view(name).substr(1) : std::string_view(name)));
    hosts.insert_or_assign(std::move(key), host ? std::optional(std::move(host)) : std::nullopt);
  }
  next.hosts_ = hosts_.with(hosts);
  return next;
}

std::vector<RoutePtr> RouteTable::all() const {
  std::vector<RoutePtr> routes;
  std::unordered_set<const CompiledRoute*> known;
  const auto add = [&](const HostPtr& host) {
    for (const RoutePtr& route : host->ordered) {
      if (known.insert(route.get()).second) routes.push_back(route);
    }
  };
  if (any_ != nullptr) add(any_);
  for (const auto& [name, host] : hosts_.sorted()) add(host);
  std::ranges::stable_sort(routes, {}, [](const RoutePtr& route) { return route->order; });
  return routes;
}

const CompiledRoute* RouteTable::match(const RequestHead& request) const {
  const Host& host = host_for(bare(request.host()));
  // "OPTIONS *" is about the whole server, and so about what its root is.
  const std::string_view path = request.target == "*" ? "/" : request.path();
  const CompiledRoute* const found = first_match(host, path, request);
  if (!has_lenient_reading(path)) return found;
  const CompiledRoute* const other = first_match(host, lenient_path(path), request);
  if (found == nullptr || other == nullptr) return found == nullptr ? other : found;
  return goes_before(*other, *found) ? other : found;
}

const CompiledRoute* RouteTable::first_match(const Host& host, std::string_view path,
                                             const RequestHead& request) noexcept {
  for (const RoutePtr& route : host.ordered) {
    if (route_matches(route->config, path, request)) return route.get();
  }
  return nullptr;
}

const RouteTable::Host& RouteTable::host_for(std::string_view name) const noexcept {
  static const Host nothing;
  const Host& otherwise = any_ == nullptr ? nothing : *any_;
  // A client's ".example.com" is not the key of a wildcard. One label: "*.example.com" is not for "example.com" and not
  // for ".example.com".
  const std::size_t dot = name.find('.');
  if (dot == 0) return otherwise;
  if (const HostPtr* const exact = hosts_.find(name)) return **exact;
  if (dot == std::string_view::npos) return otherwise;
  const HostPtr* const wildcard = hosts_.find(name.substr(dot));
  return wildcard == nullptr ? otherwise : **wildcard;
}

}  // namespace proxy
