#include "kube/webhook_identity.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "base/base64.h"
#include "base/http_url.h"
#include "certstore/issuance.h"
#include "certstore/private_key.h"
#include "certstore/signing_authority.h"
#include "kube/client.h"
#include "kube/own_labels.h"

namespace kube {
namespace {

std::string decoded(const nlohmann::json& secret, const char* key) {
  const nlohmann::json* data = acme::member(secret, "data");
  const std::string* value = data == nullptr ? nullptr : acme::text_member(*data, key);
  return value == nullptr ? std::string() : base::from_base64(*value).value_or("");
}

certstore::CertificatePtr pair_in(const nlohmann::json& secret, const char* certificate, const char* key) {
  std::string key_pem = decoded(secret, key);
  const certstore::WipedAtEnd wiped(key_pem);
  auto read = certstore::Certificate::from_pem(decoded(secret, certificate), key_pem);
  return read ? *std::move(read) : nullptr;
}

base::Result<certstore::CertificatePtr> make(const WebhookIdentity::Moment& moment) {
  const auto fresh = certstore::make_p256_key();
  if (!fresh) return std::unexpected(fresh.error());
  const certstore::SecretBytes bytes = certstore::pkcs8_of(fresh->get());
  const auto key = certstore::PrivateKey::parse(bytes, certstore::KeyLayout::pkcs8);
  if (!key) return std::unexpected(key.error());
  return certstore::issue_by_itself(moment.names, *key, moment.lifetime, moment.now);
}

bool covers(const certstore::Certificate& certificate, const std::vector<std::string>& names) {
  const certstore::Facts& facts = certificate.facts();
  return std::ranges::all_of(names, [&](const std::string& name) {
    return std::ranges::find(facts.dns_names, name) != facts.dns_names.end() ||
           std::ranges::find(facts.ip_addresses, name) != facts.ip_addresses.end();
  });
}

const nlohmann::json* configuration_of(const nlohmann::json& webhook) {
  return acme::member(webhook, "clientConfig");
}

}  // namespace

WebhookIdentity WebhookIdentity::read(const nlohmann::json& secret) {
  WebhookIdentity identity;
  if (!secret.is_object()) return identity;
  identity.resource_version_ = metadata_text(secret, "resourceVersion");
  identity.current_ = pair_in(secret, "tls.crt", "tls.key");
  identity.next_ = pair_in(secret, "next.crt", "next.key");
  identity.previous_pem_ = decoded(secret, "previous.crt");
  return identity;
}

base::Result<bool> WebhookIdentity::advance(const Moment& moment) {
  const bool usable = current_ && covers(*current_, moment.names) && current_->facts().not_after > moment.now;
  if (!usable) {
    // Nothing to fall back on: the API server cannot ask until it has been told the new bundle.
    auto made = make(moment);
    if (!made) return std::unexpected(std::move(made.error()));
    current_ = *std::move(made);
    next_.reset();
    previous_pem_.clear();
    return true;
  }
  if (!next_) {
    if (current_->facts().not_after > moment.now + moment.lifetime / 3) return false;
    auto made = make(moment);
    if (!made) return std::unexpected(std::move(made.error()));
    next_ = *std::move(made);
    return true;
  }
  // Every API server of the cluster is to have heard of it.
  const bool is_settled = next_->facts().not_after <= moment.now + moment.lifetime * 9 / 10;
  const bool is_believed = moment.believed.find(next_->chain_pem()) != std::string::npos;
  if (!is_settled || !is_believed) return false;
  previous_pem_ = current_->chain_pem();
  current_ = std::exchange(next_, nullptr);
  return true;
}

std::string WebhookIdentity::bundle() const {
  std::string all = current_ ? current_->chain_pem() : std::string();
  if (next_) all += next_->chain_pem();
  return all + previous_pem_;
}

nlohmann::json WebhookIdentity::secret(const ObjectName& name) const {
  nlohmann::json metadata{{"name", name.name},
                          {"namespace", name.name_space},
                          {"labels", {{labels::managed_by, "sekisho"}, {labels::no_backup, "true"}}}};
  if (!resource_version_.empty()) metadata["resourceVersion"] = resource_version_;
  nlohmann::json data{{"ca.crt", base::to_base64(bundle())}};
  const auto put = [&](const char* certificate, const char* key, const certstore::CertificatePtr& pair) {
    if (!pair) return;
    std::string key_pem = pair->key_pem();
    const certstore::WipedAtEnd wiped(key_pem);
    data[certificate] = base::to_base64(pair->chain_pem());
    data[key] = base::to_base64(key_pem);
  };
  put("tls.crt", "tls.key", current_);
  put("next.crt", "next.key", next_);
  if (!previous_pem_.empty()) data["previous.crt"] = base::to_base64(previous_pem_);
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", std::move(metadata)},
          {"type", "Opaque"},
          {"data", std::move(data)}};
}

std::vector<std::string> webhook_names(const nlohmann::json& configuration) {
  std::set<std::string> names;
  const nlohmann::json* webhooks = acme::array_member(configuration, "webhooks");
  if (webhooks == nullptr) return {};
  for (const nlohmann::json& webhook : *webhooks) {
    const nlohmann::json* client = configuration_of(webhook);
    if (client == nullptr) continue;
    if (const nlohmann::json* service = acme::member(*client, "service")) {
      names.insert(
          fmt::format("{}.{}.svc", acme::shown_member(*service, "name"), acme::shown_member(*service, "namespace")));
    } else if (const std::string* text = acme::text_member(*client, "url")) {
      const auto url = base::parse_http_url(*text);
      std::string_view host = url ? url->host() : std::string_view();
      if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
      if (!host.empty()) names.emplace(host);
    }
  }
  return {names.begin(), names.end()};
}

std::string believed_bundle(const nlohmann::json& configuration) {
  std::optional<std::string> all;
  const nlohmann::json* webhooks = acme::array_member(configuration, "webhooks");
  if (webhooks == nullptr) return {};
  for (const nlohmann::json& webhook : *webhooks) {
    const nlohmann::json* client = configuration_of(webhook);
    const std::string* text = client == nullptr ? nullptr : acme::text_member(*client, "caBundle");
    std::string bundle = text == nullptr ? std::string() : base::from_base64(*text).value_or("");
    if (all && *all != bundle) return {};
    all = std::move(bundle);
  }
  return all.value_or("");
}

void set_bundle(nlohmann::json& configuration, const std::string& bundle) {
  const auto webhooks = configuration.find("webhooks");
  if (webhooks == configuration.end() || !webhooks->is_array()) return;
  for (nlohmann::json& webhook : *webhooks) {
    if (webhook.is_object()) webhook["clientConfig"]["caBundle"] = base::to_base64(bundle);
  }
}

}  // namespace kube
