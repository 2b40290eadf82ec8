#include "acme/on_demand.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "acme/stored_time.h"
#include "base/json.h"

namespace acme {

namespace {

constexpr std::size_t asks_within_a_minute = 60;

std::string key_of(const std::string& name) {
  return "on_demand/" + key_part(name) + ".json";
}

void drop_before(std::deque<base::SystemTime>& times, base::SystemTime earliest) {
  while (!times.empty() && times.front() <= earliest) times.pop_front();
}

}  // namespace

bool allows(const std::vector<std::string>& patterns, std::string_view name) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    if (!pattern.starts_with("*.")) return pattern == name;
    const auto dot = name.find('.');
    return dot != std::string_view::npos && dot > 0 && name.substr(dot) == std::string_view(pattern).substr(1);
  });
}

OnDemandGate::OnDemandGate(config::OnDemand config, const base::Clock& clock)
    : config_(std::move(config)), clock_(clock) {}

bool OnDemandGate::asks_for(const std::string& name) const {
  return !config_.ask.empty() && (config_.allow.empty() || allows(config_.allow, name));
}

base::Result<void> OnDemandGate::admit(const std::string& name, std::size_t existing, std::stop_token stop) {
  const bool any = config_.allow.empty() && !config_.ask.empty();
  if (!any && !allows(config_.allow, name)) return base::fail(base::Code::refused, "not allowed on demand");
  if (existing >= config_.at_most) {
    return base::fail(base::Code::overloaded, fmt::format("{} certificates on demand are there already", existing));
  }
  const base::SystemTime now = clock_.now();
  drop_before(begun_, now - std::chrono::hours(1));
  if (begun_.size() >= config_.new_per_hour) {
    return base::fail(base::Code::overloaded, fmt::format("{} were begun within an hour", begun_.size()));
  }
  if (!config_.ask.empty()) {
    // Never fewer than can be begun.
    drop_before(asked_, now - std::chrono::minutes(1));
    if (asked_.size() >= std::max<std::size_t>(asks_within_a_minute, config_.new_per_hour / 60)) {
      return base::fail(base::Code::overloaded, fmt::format("{} were asked about within a minute", asked_.size()));
    }
    asked_.push_back(now);
    if (auto asked = ask(name, std::move(stop)); !asked) return asked;
  }
  begun_.push_back(now);
  return {};
}

base::Result<void> OnDemandGate::ask(const std::string& name, std::stop_token stop) {
  // A canonical host name needs no escaping.
  const char joint = config_.ask.find('?') == std::string::npos ? '?' : '&';
  const base::HttpRequest request{.url = fmt::format("{}{}domain={}", config_.ask, joint, name),
                                  .headers = {},
                                  .body = {},
                                  .timeout = std::chrono::milliseconds(5'000),
                                  .ca_file = config_.ask_ca_certificates,
                                  .body_limit = 64U << 10U};
  const auto answer = http_.send(request, std::move(stop));
  if (!answer) return std::unexpected(base::Error(answer.error()).in("ask"));
  if (answer->status >= 500 || answer->status == 429) {
    return base::fail(base::Code::unreachable, fmt::format("the ask URL answered {}", answer->status));
  }
  if (answer->status != 200)
    return base::fail(base::Code::refused, fmt::format("the ask URL answered {}", answer->status));
  return {};
}

std::vector<AdmittedName> stored_on_demand(const Storage& storage,
                                           const std::vector<config::IssuedCertificate>& templates) {
  std::vector<AdmittedName> found;
  if (templates.empty()) return found;
  const auto keys = storage.list("on_demand");
  if (!keys) return found;
  for (const std::string& key : *keys) {
    const auto text = storage.read(key);
    if (!text || !*text) continue;
    const auto json = parse_json(**text);
    if (!json) continue;
    const std::string* name = text_member(*json, "name");
    const std::string* from = text_member(*json, "template");
    if (name == nullptr || from == nullptr) continue;
    const auto known = std::ranges::find(templates, *from, &config::IssuedCertificate::name);
    // The list may have become shorter since.
    if (known == templates.end()) continue;
    const bool any = known->on_demand->allow.empty() && !known->on_demand->ask.empty();
    if (!any && !allows(known->on_demand->allow, *name)) continue;
    found.push_back({from_template(*known, *name), stored_time(*json, "since").value_or(base::SystemTime{})});
  }
  return found;
}

base::Result<void> store_on_demand(Storage& storage, const AdmittedName& admitted, const std::string& template_name) {
  const nlohmann::json json{
      {"name", admitted.wanted.name}, {"template", template_name}, {"since", stored(admitted.since)}};
  return storage.write(key_of(admitted.wanted.name), base::json_line(json) + "\n");
}

base::Result<void> remove_on_demand(Storage& storage, const std::string& name) {
  return storage.remove(key_of(name));
}

config::IssuedCertificate from_template(const config::IssuedCertificate& from, const std::string& name) {
  config::IssuedCertificate wanted = from;
  wanted.name = name;
  wanted.hosts = {name};
  wanted.on_demand.reset();
  return wanted;
}

}  // namespace acme
