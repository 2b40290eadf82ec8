#include "config/issuers.h"

namespace config {

std::string_view to_string(ChallengeType type) noexcept {
  switch (type) {
    case ChallengeType::http01:
      return "http-01";
    case ChallengeType::tls_alpn01:
      return "tls-alpn-01";
    case ChallengeType::dns01:
      return "dns-01";
    case ChallengeType::dns_account01:
      return "dns-account-01";
    case ChallengeType::dns_persist01:
      return "dns-persist-01";
  }
  return "http-01";
}

}  // namespace config
