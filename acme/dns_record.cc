// The TXT record of a challenge. RFC 8555 §8.4, draft-ietf-acme-dns-account-label, draft-ietf-acme-dns-persist.
#include <array>
#include <string>

#include <fmt/format.h>

#include "acme/solver.h"
#include "base/base32.h"
#include "base/base64.h"
#include "base/openssl.h"

namespace acme {
namespace {

std::string sha256_of(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  EVP_Q_digest(nullptr, "SHA256", nullptr, text.data(), text.size(), digest.data(), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string persistent_value(const ChallengeTask& task) {
  const std::string issuer = task.issuer_domain_names.empty() ? std::string() : task.issuer_domain_names.front();
  return fmt::format("{}; accounturi={}{}", issuer, task.account_url, task.wildcard ? "; policy=wildcard" : "");
}

}  // namespace

DnsRecord dns_record_of(config::ChallengeType type, const ChallengeTask& task) {
  const std::string& name = task.identifier.value;
  switch (type) {
    case config::ChallengeType::dns_account01:
      return {
          fmt::format("_{}._acme-challenge.{}", base::to_base32_lower(sha256_of(task.account_url).substr(0, 10)), name),
          base::to_base64url(sha256_of(task.key_authorization))};
    case config::ChallengeType::dns_persist01:
      return {"_validation-persist." + name, persistent_value(task)};
    default:
      return {"_acme-challenge." + name, base::to_base64url(sha256_of(task.key_authorization))};
  }
}

}  // namespace acme
