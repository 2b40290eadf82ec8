#include "azure/key_vault_mirror.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "azure/pfx_upload.h"
#include "azure/vault_reason.h"
#include "base/base64.h"
#include "base/hex.h"
#include "base/json.h"
#include "certstore/facts.h"

namespace azure {
namespace {

using nlohmann::json;
using What = MirrorState::What;

constexpr const char* fingerprint_tag = "sekisho-fingerprint";

// The newest version, as far as it matters here.
struct Newest {
  std::string fingerprint;  // empty: the vault does not show it
  base::SystemTime not_before{};
  bool ours = false;  // written by a sekisho
  bool enabled = true;
};

Newest newest_from(const json& bundle) {
  Newest newest;
  const std::string* cer = acme::text_member(bundle, "cer");
  const auto der = cer == nullptr ? std::nullopt : base::from_base64(*cer);
  if (der) {
    const certstore::der::Bytes bytes(reinterpret_cast<const std::uint8_t*>(der->data()), der->size());
    if (const auto certificate = certstore::parse_without_key(bytes)) {
      const certstore::Facts facts = certstore::read_facts(certificate.get(), bytes);
      newest.fingerprint = base::to_hex(facts.sha256);
      newest.not_before = facts.not_before;
    }
  }
  const json* tags = acme::member(bundle, "tags");
  newest.ours = tags != nullptr && acme::text_member(*tags, fingerprint_tag) != nullptr;
  if (const json* attributes = acme::member(bundle, "attributes")) {
    const json* enabled = acme::member(*attributes, "enabled");
    newest.enabled = enabled == nullptr || !enabled->is_boolean() || enabled->get<bool>();
  }
  return newest;
}

// "auto-renew off": the vault tells its contacts and issues nothing by itself.
json policy_of(const certstore::Certificate& certificate) {
  const bool rsa = certificate.facts().key_type == certstore::KeyType::rsa;
  json key{{"exportable", true}, {"kty", rsa ? "RSA" : "EC"}, {"reuse_key", false}};
  const int bits = EVP_PKEY_get_bits(certificate.material()->key.get());
  if (rsa) key["key_size"] = bits;
  if (!rsa) key["crv"] = bits == 521 ? "P-521" : fmt::format("P-{}", bits);
  return {
      {"key_props", key},
      {"secret_props", {{"contentType", "application/x-pkcs12"}}},
      {"issuer", {{"name", "Unknown"}}},
      {"lifetime_actions",
       json::array({{{"trigger", {{"lifetime_percentage", 80}}}, {"action", {{"action_type", "EmailContacts"}}}}})}};
}

std::string explained(const AzureFailure& failure, std::string_view name) {
  if (failure.conflict()) {
    return fmt::format(
        "{} was deleted in the vault and can still be recovered: recover or purge it, until then nothing "
        "can be imported under this name ({})",
        name, acme::shown(failure.error.what, 300));
  }
  if (reason_of(failure) == VaultReason::permission) {
    return acme::shown(failure.error.what, 400) +
           "; no permission: the identity needs the role Key Vault Certificates Officer";
  }
  return acme::shown(failure.error.what, 500);
}

}  // namespace

KeyVaultMirror::KeyVaultMirror(std::shared_ptr<const Services> services, std::string_view vault,
                               config::AzureOtherIdentity identity)
    : vault_(std::move(services), vault, std::move(identity)), where_("key vault " + vault_.url()) {}

MirrorOutcome KeyVaultMirror::reconcile(const std::vector<MirrorItem>& wanted, const std::stop_token& stop) {
  MirrorOutcome outcome;
  for (const MirrorItem& item : wanted) {
    if (stop.stop_requested()) return outcome;
    if (!item.refusal.empty()) continue;
    auto kept = keep(item, stop);
    if (kept) {
      outcome.items.emplace(item.name, *std::move(kept));
      continue;
    }
    const AzureFailure& failure = kept.error();
    const bool mends = failure.error.retry != base::Retry::never || failure.status == 0;
    outcome.items.emplace(
        item.name, Finding{mends && !failure.conflict() ? What::behind : What::refused, explained(failure, item.name)});
    // The others would be told the same.
    if (failure.status == 0 || failure.status == 401 || failure.throttled() || failure.status >= 500) {
      outcome.again = failure.retry_after;
      outcome.blind = true;
      outcome.say_of_others(wanted, {What::behind, explained(failure, item.name)});
      return outcome;
    }
  }
  return outcome;
}

Outcome<MirrorOutcome::Finding> KeyVaultMirror::keep(const MirrorItem& item, const std::stop_token& stop) {
  const auto there = vault_.call("GET", fmt::format("/certificates/{}/", item.name), {}, stop);
  if (!there && there.error().not_found()) return import(item, stop);
  if (!there) return std::unexpected(there.error());
  const Newest newest = newest_from(*there);
  if (newest.fingerprint == item.certificate->fingerprint()) {
    if (newest.enabled) return Finding{What::in_step};
    return Finding{What::refused, "its newest version is disabled in the vault: enable it"};
  }
  if (!newest.ours && item.named == MirrorItem::Named::by_us) {
    return Finding{What::refused,
                   fmt::format("the vault has a certificate {} that sekisho has not written: delete it, or "
                               "say `name` in the mirror's certificates so that it gets new versions",
                               item.name)};
  }
  // Two regions with one vault would otherwise take turns.
  if (newest.ours && newest.not_before > item.certificate->facts().not_before) {
    return Finding{What::refused, "the vault has a newer one, of another sekisho; it stays"};
  }
  return import(item, stop);
}

Outcome<MirrorOutcome::Finding> KeyVaultMirror::import(const MirrorItem& item, const std::stop_token& stop) {
  const auto upload = make_upload(*item.certificate, largest_vault_pfx);
  if (!upload) return failed(upload.error());
  std::string value = base::to_base64({reinterpret_cast<const char*>(upload->bytes.data()), upload->bytes.size()});
  const certstore::WipedAtEnd wipe_value(value);
  const json rest{{"policy", policy_of(*item.certificate)},
                  {"attributes", {{"enabled", true}}},
                  {"tags",
                   {{fingerprint_tag, item.certificate->fingerprint()},
                    {"sekisho-certificate", item.certificate_name.substr(0, 256)}}}};
  const std::string open = base::json_line(rest).substr(1);
  std::string body;
  body.reserve(value.size() + upload->password.size() + open.size() + 64);  // no block of it is left behind
  const certstore::WipedAtEnd wipe_body(body);
  body.append(R"({"value":")").append(value).append(R"(","pwd":")").append(upload->password).append("\",").append(open);
  if (stop.stop_requested()) return failed({base::Code::cancelled, "stopped", base::Origin::control});
  const auto imported = vault_.call("POST", fmt::format("/certificates/{}/import", item.name), body, stop);
  if (!imported) return std::unexpected(imported.error());
  if (newest_from(*imported).fingerprint == item.certificate->fingerprint()) return Finding{What::in_step};
  return Finding{What::behind, "the vault answered with another certificate than was imported"};
}

}  // namespace azure
