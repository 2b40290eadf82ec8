#include "acme/ledger.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/stored_time.h"

namespace acme {
namespace {

using Times = std::deque<base::SystemTime>;

constexpr std::chrono::hours clock_tolerance{1};
constexpr std::size_t most_names = 10'000;  // that are read back

std::string joined(const std::vector<Identifier>& names) {
  std::vector<std::string_view> values(names.size());
  std::ranges::transform(names, values.begin(), [](const Identifier& name) { return std::string_view(name.value); });
  std::ranges::sort(values);
  const auto [rest, end] = std::ranges::unique(values);
  values.erase(rest, end);
  return fmt::format("{}", fmt::join(values, ","));
}

// An authorization is for the name without "*." (RFC 8555 §7.1.3).
std::string authorized(const Identifier& identifier) {
  return identifier.wildcard() ? identifier.value.substr(2) : identifier.value;
}

std::string text_of(std::string_view what, const Limit& limit) {
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(limit.within).count();
  if (hours >= 48 && hours % 24 == 0) return fmt::format("{}: {} in {} d", what, limit.at_most, hours / 24);
  if (hours > 0) return fmt::format("{}: {} in {} h", what, limit.at_most, hours);
  return fmt::format("{}: {} in {} s", what, limit.at_most, limit.within.count());
}

// What counts: not too old, and not from a future that was there before the clock was put back.
bool counts(base::SystemTime time, std::chrono::seconds within, base::SystemTime now) {
  return time > now - within && time <= now + clock_tolerance;
}

// `times` in order. When fewer than `limit` are within its time; nothing: now.
std::optional<base::SystemTime> lets_go(const Times& times, const Limit& limit, base::SystemTime now) {
  unsigned seen = 0;
  for (auto time = times.rbegin(); time != times.rend(); ++time) {
    if (counts(*time, limit.within, now) && ++seen == limit.at_most) return *time + limit.within;
  }
  return limit.at_most == 0 ? std::optional(now + limit.within) : std::nullopt;
}

// Only the newest can stand in the way of anything.
void add(Times& times, base::SystemTime now, std::size_t most) {
  times.insert(std::ranges::upper_bound(times, now), now);
  while (times.size() > std::max<std::size_t>(most, 1)) times.pop_front();
}

void forget_old(std::map<std::string, Times>& all, std::chrono::seconds within, base::SystemTime now) {
  std::erase_if(all, [&](const auto& entry) {
    return std::ranges::none_of(entry.second, [&](base::SystemTime time) { return counts(time, within, now); });
  });
}

nlohmann::json json_of(const Times& times, std::chrono::seconds within, base::SystemTime now) {
  nlohmann::json list = nlohmann::json::array();
  for (const base::SystemTime time : times) {
    if (counts(time, within, now)) list.push_back(stored(time));
  }
  return list;
}

nlohmann::json json_of(const std::map<std::string, Times>& all, std::chrono::seconds within, base::SystemTime now) {
  nlohmann::json object = nlohmann::json::object();
  for (const auto& [name, times] : all) {
    if (nlohmann::json list = json_of(times, within, now); !list.empty()) object[name] = std::move(list);
  }
  return object;
}

Times times_from(const nlohmann::json& list, std::size_t most) {
  Times times;
  if (!list.is_array()) return times;
  for (const nlohmann::json& entry : list) {
    if (const auto time = stored_time(entry)) add(times, *time, most);
  }
  return times;
}

std::map<std::string, Times> all_from(const nlohmann::json& object, std::size_t most) {
  std::map<std::string, Times> all;
  if (!object.is_object()) return all;
  for (const auto& [name, list] : object.items()) {
    if (all.size() == most_names) break;
    if (Times times = times_from(list, most); !times.empty()) all.emplace(name, std::move(times));
  }
  return all;
}

}  // namespace

Ledger::Ledger(Limits limits) : limits_(limits) {}

std::size_t Ledger::most_issued() const {
  return std::max(limits_.same_names.at_most, limits_.renewals_in_window.at_most);
}

std::chrono::seconds Ledger::longest_issued() const {
  return std::max(limits_.same_names.within, limits_.renewals_in_window.within);
}

Ledger::Verdict Ledger::may_order(const std::vector<Identifier>& names, Kind kind, base::SystemTime now) const {
  Verdict verdict;
  const auto check = [&](const Times& times, const Limit& limit, std::string_view what) {
    const auto free = lets_go(times, limit, now);
    if (free && (!verdict.not_before || *free > *verdict.not_before)) verdict = {free, text_of(what, limit)};
  };
  const auto issued = issued_.find(joined(names));
  const Times& same = issued == issued_.end() ? Times{} : issued->second;
  if (kind == Kind::renewal_in_window) {
    check(same, limits_.renewals_in_window, "renewals of exactly these names in the CA's window");
    return verdict;
  }
  check(orders_, limits_.orders, "orders of the account");
  check(same, limits_.same_names, "certificates of exactly these names");
  for (const Identifier& name : names) {
    const auto failed = failed_.find(authorized(name));
    if (failed == failed_.end()) continue;
    check(failed->second, limits_.failed_authorizations, "failed authorizations of " + failed->first);
  }
  return verdict;
}

void Ledger::ordered(base::SystemTime now) {
  add(orders_, now, limits_.orders.at_most);
}

void Ledger::issued(const std::vector<Identifier>& names, base::SystemTime now) {
  forget_old(issued_, longest_issued(), now);
  add(issued_[joined(names)], now, most_issued());
}

void Ledger::authorization_failed(const Identifier& identifier, base::SystemTime now) {
  forget_old(failed_, limits_.failed_authorizations.within, now);
  add(failed_[authorized(identifier)], now, limits_.failed_authorizations.at_most);
}

nlohmann::json Ledger::to_json(base::SystemTime now) const {
  return {{"orders", json_of(orders_, limits_.orders.within, now)},
          {"issued", json_of(issued_, longest_issued(), now)},
          {"failed", json_of(failed_, limits_.failed_authorizations.within, now)}};
}

Ledger Ledger::from(const nlohmann::json& json, Limits limits) {
  Ledger ledger(limits);
  if (!json.is_object()) return ledger;
  const auto member = [&](const char* key) { return json.value(key, nlohmann::json()); };
  ledger.orders_ = times_from(member("orders"), limits.orders.at_most);
  ledger.issued_ = all_from(member("issued"), ledger.most_issued());
  ledger.failed_ = all_from(member("failed"), limits.failed_authorizations.at_most);
  return ledger;
}

}  // namespace acme
