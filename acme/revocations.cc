#include "acme/revocations.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "acme/stored_time.h"
#include "base/base64.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/log.h"
#include "base/openssl.h"

namespace acme {
namespace {

constexpr unsigned key_compromise = 1;
constexpr std::string_view planned_folder = "revocations";
constexpr std::string_view forbidden_folder = "revoked";
// A reused key may be in a certificate that lives longer than the one that it was noticed with.
constexpr std::chrono::hours key_is_remembered{24 * 400};

std::string key_of_plan(const PlannedRevocation& planned) {
  return std::string(planned_folder) + "/" + planned.fingerprint + ".json";
}
std::string mark_of_certificate(const certstore::Certificate& certificate) {
  return std::string(forbidden_folder) + "/certificate-" + certificate.fingerprint() + ".json";
}

// By the SHA-256 of the SubjectPublicKeyInfo. Empty: memory ran out.
std::string mark_of_key(const certstore::Certificate& certificate) {
  const auto* material = certificate.material();
  if (material == nullptr) return {};
  unsigned char* der = nullptr;
  const int size = ::i2d_PUBKEY(material->key.get(), &der);
  if (size <= 0) return {};
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owned(der, [](unsigned char* p) { OPENSSL_free(p); });
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) return {};
  return std::string(forbidden_folder) + "/key-" + base::to_hex(digest) + ".json";
}

std::optional<PlannedRevocation> planned_from(const std::string& text) {
  const auto json = parse_json(text);
  if (!json) return std::nullopt;
  PlannedRevocation planned;
  const auto take = [&](std::string_view member, std::string& into) {
    const std::string* value = text_member(*json, member);
    if (value != nullptr) into = *value;
    return value != nullptr;
  };
  std::string encoded;
  if (!take("name", planned.name) || !take("record", planned.record) || !take("issuer", planned.issuer) ||
      !take("fingerprint", planned.fingerprint) || !take("certificate", encoded)) {
    return std::nullopt;
  }
  const auto der = base::from_base64url(encoded);
  if (!der) return std::nullopt;
  planned.der = *der;
  planned.since = stored_time(*json, "since").value_or(base::SystemTime{});
  planned.until = stored_time(*json, "until").value_or(base::SystemTime{});
  if (const auto* reason = member(*json, "reason"); reason != nullptr && reason->is_number_unsigned()) {
    planned.reason = reason->get<unsigned>();
  }
  return planned;
}

}  // namespace

bool ends_service(std::optional<unsigned> reason) noexcept {
  constexpr std::array<unsigned, 4> harmless{0, 3, 4, 5};
  return reason && std::ranges::find(harmless, *reason) == harmless.end();
}

base::Result<void> Revocations::plan(const PlannedRevocation& planned) {
  nlohmann::json json{{"name", planned.name},
                      {"record", planned.record},
                      {"issuer", planned.issuer},
                      {"fingerprint", planned.fingerprint},
                      {"certificate", base::to_base64url(planned.der)},
                      {"since", stored(planned.since)},
                      {"until", stored(planned.until)}};
  if (planned.reason) json["reason"] = *planned.reason;
  return storage_.write(key_of_plan(planned), base::json_lines(json) + "\n");
}

base::Result<void> Revocations::done(const PlannedRevocation& planned) {
  return storage_.remove(key_of_plan(planned));
}

std::vector<PlannedRevocation> Revocations::planned() const {
  std::vector<PlannedRevocation> all;
  const auto keys = storage_.list(std::string(planned_folder));
  if (!keys) return all;
  for (const std::string& key : *keys) {
    const auto text = storage_.read(key);
    auto planned = text && *text ? planned_from(**text) : std::nullopt;
    if (planned && key_of_plan(*planned) == key) {
      all.push_back(*std::move(planned));
    } else if (text && *text) {
      base::log::warning("a planned revocation cannot be read", {{"record", key}});
    }
  }
  return all;
}

base::Result<void> Revocations::forbid(const certstore::Certificate& certificate, std::optional<unsigned> reason) {
  const bool about_key = reason == key_compromise;
  const std::string key = about_key ? mark_of_key(certificate) : mark_of_certificate(certificate);
  if (key.empty()) return base::fail(base::Code::overloaded, "the key cannot be decoded: no memory");
  const auto until = certificate.facts().not_after + (about_key ? key_is_remembered : std::chrono::hours(0));
  const nlohmann::json json{{"until", stored(until)}, {"serial", certificate.facts().serial_hex}};
  return storage_.write(key, base::json_lines(json) + "\n");
}

bool Revocations::forbids(const certstore::Certificate& certificate) const {
  // Mostly there is nothing, and then no key has to be decoded.
  const auto keys = storage_.list(std::string(forbidden_folder));
  if (!keys || keys->empty()) return false;
  const auto has = [&](const std::string& key) { return std::ranges::binary_search(*keys, key); };
  return has(mark_of_certificate(certificate)) || has(mark_of_key(certificate));
}

void Revocations::forget_expired(base::SystemTime now) {
  for (const std::string_view folder : {forbidden_folder, planned_folder}) {
    const auto keys = storage_.list(std::string(folder));
    for (const std::string& key : keys.value_or(std::vector<std::string>{})) {
      const auto text = storage_.read(key);
      const auto json = text && *text ? parse_json(**text) : base::Result<nlohmann::json>(nlohmann::json());
      const auto until = json ? stored_time(*json, "until") : std::nullopt;
      if (until && *until < now) (void)storage_.remove(key);
    }
  }
}

}  // namespace acme
