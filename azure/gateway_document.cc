#include "azure/gateway_document.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "azure/public_certificate.h"
#include "base/ascii.h"
#include "base/json.h"

namespace azure {
namespace {

using acme::array_member;
using acme::member;
using nlohmann::json;

std::string text_of(const json& object, std::string_view name) {
  const std::string* text = acme::text_member(object, name);
  return text == nullptr ? std::string() : *text;
}

const json& properties_of(const json& object) {
  static const json none = json::object();
  const json* properties = member(object, "properties");
  return properties != nullptr && properties->is_object() ? *properties : none;
}

// Every text in `value` that may be an id, in lower case. What names a certificate is known of listeners only; newer
// versions of the API have other kinds, and a certificate that one of those names must not be pruned.
void collect_ids(const json& value, std::set<std::string>& ids) {
  if (const auto* text = value.get_ptr<const std::string*>()) {
    if (text->starts_with('/')) ids.insert(base::lower_case(*text));
    return;
  }
  if (value.is_structured()) {
    for (const json& part : value) collect_ids(part, ids);
  }
}

std::set<std::string> ids_outside_certificates(const json& properties) {
  std::set<std::string> ids;
  for (const auto& [name, value] : properties.items()) {
    if (name != "sslCertificates") collect_ids(value, ids);
  }
  return ids;
}

GatewayCertificate read_certificate(const json& element, const std::set<std::string>& named) {
  const json& properties = properties_of(element);
  GatewayCertificate certificate{.name = text_of(element, "name"),
                                 .id = text_of(element, "id"),
                                 .key_vault_secret_id = text_of(properties, "keyVaultSecretId")};
  certificate.referenced = named.contains(base::lower_case(certificate.id));
  const std::string* shown = acme::text_member(properties, "publicCertData");
  if (shown == nullptr || shown->empty()) {
    certificate.unreadable = "the gateway does not show it";
  } else if (auto fingerprints = fingerprints_in(*shown)) {
    certificate.fingerprints = *std::move(fingerprints);
  } else {
    certificate.unreadable = std::move(fingerprints.error().what);
  }
  return certificate;
}

GatewayListener read_listener(const json& element) {
  const json& properties = properties_of(element);
  GatewayListener listener{.name = text_of(element, "name"), .protocol = text_of(properties, "protocol")};
  if (std::string host = text_of(properties, "hostName"); !host.empty()) {
    listener.hosts.push_back(base::lower_case(host));
  }
  if (const json* hosts = array_member(properties, "hostNames")) {
    for (const json& host : *hosts) {
      if (host.is_string()) listener.hosts.push_back(base::lower_case(host.get_ref<const std::string&>()));
    }
  }
  if (const json* certificate = member(properties, "sslCertificate")) {
    listener.certificate_id = text_of(*certificate, "id");
  }
  return listener;
}

}  // namespace

bool same_name(std::string_view one, std::string_view other) noexcept {
  return std::ranges::equal(one, other, {}, base::lower, base::lower);
}

bool GatewayCertificate::shows(std::string_view fingerprint) const {
  return std::ranges::find(fingerprints, fingerprint) != fingerprints.end();
}

base::Result<GatewayDocument> GatewayDocument::parse(std::string text) {
  auto places = JsonText::parse(std::move(text));
  if (!places) return std::unexpected(std::move(places.error()).in("application gateway"));
  GatewayDocument document(*std::move(places));
  const json whole = base::parse_json(document.places_.text());
  const auto lacks = [](std::string_view what) {
    return base::fail(base::Code::protocol, fmt::format("application gateway: the answer has no {}", what),
                      base::Origin::upstream, base::Retry::later);
  };
  const json* properties = member(whole, "properties");
  if (properties == nullptr || !properties->is_object()) return lacks("properties");
  document.id_ = text_of(whole, "id");
  if (!document.id_.starts_with('/')) return lacks("id");
  document.stopped_ = same_name(text_of(*properties, "operationalState"), "Stopped");
  const std::string state = text_of(*properties, "provisioningState");
  document.failed_ = same_name(state, "Failed") || same_name(state, "Canceled");
  document.updating_ = !state.empty() && !same_name(state, "Succeeded") && !document.failed_;
  const std::set<std::string> named = ids_outside_certificates(*properties);
  const json* certificates = member(*properties, "sslCertificates");
  if (certificates != nullptr && !certificates->is_array() && !certificates->is_null()) {
    return lacks("list of sslCertificates, but something else of that name");
  }
  if (certificates != nullptr) {
    for (const json& element : *certificates) {
      document.certificates_.push_back(read_certificate(element, named));
    }
  }
  if (const json* listeners = array_member(*properties, "httpListeners")) {
    for (const json& element : *listeners) document.listeners_.push_back(read_listener(element));
  }
  return document;
}

std::optional<std::size_t> GatewayDocument::certificate(std::string_view name) const {
  const auto found =
      std::ranges::find_if(certificates_, [&](const GatewayCertificate& one) { return same_name(one.name, name); });
  if (found == certificates_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - certificates_.begin());
}

std::optional<std::size_t> GatewayDocument::listener(std::string_view name) const {
  const auto found =
      std::ranges::find_if(listeners_, [&](const GatewayListener& one) { return same_name(one.name, name); });
  if (found == listeners_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - listeners_.begin());
}

std::string GatewayDocument::certificate_id(std::string_view name) const {
  return fmt::format("{}/sslCertificates/{}", id_, name);
}

}  // namespace azure
