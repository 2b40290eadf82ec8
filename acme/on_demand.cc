#include "acme/on_demand.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"

namespace acme {

bool allows(const std::vector<std::string>& patterns, std::string_view name) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    if (!pattern.starts_with("*.")) return pattern == name;
    const auto dot = name.find('.');
    return dot != std::string_view::npos && dot > 0 && name.substr(dot) == std::string_view(pattern).substr(1);
  });
}

OnDemandGate::OnDemandGate(config::OnDemand config, const base::Clock& clock)
    : config_(std::move(config)), clock_(clock) {}

base::Result<void> OnDemandGate::admit(const std::string& name, std::size_t existing, std::stop_token stop) {
  const bool any = config_.allow.empty() && !config_.ask.empty();
  if (!any && !allows(config_.allow, name)) return base::fail(base::Code::refused, "not allowed on demand");
  if (existing >= config_.at_most) {
    return base::fail(base::Code::overloaded, fmt::format("{} certificates on demand are there already", existing));
  }
  const base::SystemTime now = clock_.now();
  while (!begun_.empty() && begun_.front() <= now - std::chrono::hours(1)) begun_.pop_front();
  if (begun_.size() >= config_.new_per_hour) {
    return base::fail(base::Code::overloaded, fmt::format("{} were begun within an hour", begun_.size()));
  }
  if (!config_.ask.empty()) {
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
  if (answer->status != 200)
    return base::fail(base::Code::refused, fmt::format("the ask URL answered {}", answer->status));
  return {};
}

std::vector<config::IssuedCertificate> stored_on_demand(const Storage& storage,
                                                        const std::vector<config::IssuedCertificate>& templates) {
  std::vector<config::IssuedCertificate> found;
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
    if (any || allows(known->on_demand->allow, *name)) found.push_back(from_template(*known, *name));
  }
  return found;
}

base::Result<void> store_on_demand(Storage& storage, const config::IssuedCertificate& wanted,
                                   const std::string& template_name) {
  const nlohmann::json json{{"name", wanted.name}, {"template", template_name}};
  return storage.write("on_demand/" + key_part(wanted.name) + ".json", json.dump() + "\n");
}

config::IssuedCertificate from_template(const config::IssuedCertificate& from, const std::string& name) {
  config::IssuedCertificate wanted = from;
  wanted.name = name;
  wanted.hosts = {name};
  wanted.on_demand.reset();
  return wanted;
}

}  // namespace acme
