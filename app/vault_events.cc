#include "app/vault_events.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/http_url.h"
#include "base/json.h"

namespace app {
namespace {

constexpr std::size_t most_events = 1'000;
constexpr std::size_t longest_code = 256;
constexpr std::size_t longest_name = 127;

// "Microsoft.KeyVault.CertificateNewVersionCreated", "Microsoft.KeyVault.SecretNewVersionCreated"
bool is_new_version(std::string_view type) {
  return type.starts_with("Microsoft.KeyVault.") && type.ends_with("NewVersionCreated");
}

bool read_changed(const nlohmann::json& data, VaultEvents::Changed& changed) {
  const std::string* id = acme::text_member(data, "Id");
  const std::string* name = acme::text_member(data, "ObjectName");
  const auto url = id == nullptr ? std::nullopt : base::parse_http_url(*id);
  if (!url || url->host().empty() || name == nullptr || name->size() > longest_name) return false;
  changed.vault = (url->secure ? "https://" : "http://") + std::string(url->authority);
  changed.object = *name;
  return true;
}

// CloudEvents' specversion, with another name for the type than Event Grid's own schema has.
bool is_cloud_event(const nlohmann::json& event) {
  const std::string* version = acme::text_member(event, "specversion");
  return version != nullptr && version->starts_with("1.");
}

}  // namespace

base::Result<VaultEvents> vault_events_from(std::string_view body) {
  nlohmann::json json = base::parse_json(body);
  if (is_cloud_event(json)) json = nlohmann::json::array({std::move(json)});
  if (!json.is_array() || json.size() > most_events) {
    return base::fail(base::Code::invalid, "a list of events of Event Grid, or a CloudEvent, is expected");
  }
  VaultEvents events;
  for (const nlohmann::json& event : json) {
    const std::string* type = acme::text_member(event, is_cloud_event(event) ? "type" : "eventType");
    const nlohmann::json* data = acme::member(event, "data");
    if (type == nullptr || data == nullptr) continue;
    if (*type == "Microsoft.EventGrid.SubscriptionValidationEvent") {
      events.validation_code = acme::shown_member(*data, "validationCode", longest_code);
    }
    VaultEvents::Changed changed;
    if (is_new_version(*type) && read_changed(*data, changed)) events.changed.push_back(std::move(changed));
  }
  return events;
}

}  // namespace app
