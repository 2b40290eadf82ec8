// What Entra, the metadata service, a token command and a vault may answer: anything may come, and what is accepted
// keeps its promises.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "azure/entra_failure.h"
#include "azure/failure.h"
#include "azure/grant.h"
#include "azure/vault_challenge.h"
#include "azure/vault_objects.h"
#include "azure/vault_reason.h"
#include "base/json.h"

namespace {

constexpr base::SystemTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);

void require(bool holds) {
  if (!holds) std::abort();
}

bool one_line(const std::string& text) {
  return text.size() < 4000 && base::utf8_text(text, text.size()) == text &&
         std::ranges::none_of(text, [](char c) { return c == '\n' || c == '\r' || c == '\x1b'; });
}

void read_tokens(std::string_view text) {
  for (const auto& grant : {azure::grant_from(text, now), azure::grant_from_output(text, now)}) {
    if (!grant) continue;
    // It goes into a header field.
    require(!grant->token.empty() && one_line(grant->token.substr(0, 1000)));
    require(grant->expires <= now + std::chrono::days(7));
  }
  const azure::Claims claims = azure::claims_of(text);
  require(one_line(claims.issuer) && one_line(claims.subject) && one_line(claims.audience));
}

void read_failures(const std::string& text) {
  for (const unsigned status : {400U, 401U, 403U, 429U, 500U}) {
    const base::HttpResponse response{.status = status, .headers = {{"retry-after", text.substr(0, 64)}}, .body = text};
    const auto entra = azure::entra_failure_from(response);
    require(one_line(azure::explained(entra, {"tenant", "client", "scope", azure::claims_of(text)}).what));
    const azure::AzureFailure failure = azure::failure_from(response, now);
    require(one_line(failure.error.what));
    if (failure.retry_after) require(*failure.retry_after <= std::chrono::hours(1));
    require(one_line(azure::problem_of(failure, "read it").error.what));
  }
}

void read_vault(const std::string& text) {
  const nlohmann::json json = base::parse_json(text);
  if (const auto page = azure::vault_page_from(json)) {
    for (const azure::VaultItem& item : page->items) {
      // They go into paths of URLs.
      require(!item.name.empty() && item.name.find_first_of("/?#%. ") == std::string::npos);
      require(item.version.find_first_of("/?#%. ") == std::string::npos);
    }
    for (const azure::VaultItem& item : azure::enabled_newest_first(page->items)) require(item.attributes.enabled);
  }
  if (const auto secret = azure::vault_secret_from(json)) (void)azure::certificate_in(*secret);
  (void)azure::certificate_in({.value = text, .content_type = {}});
  if (const auto challenge = azure::vault_challenge_in(text)) {
    const std::string scope = "https://vault.azure.net/.default";
    require(!azure::check_challenge(*challenge, "https://vault.azure.net.evil.example", scope));
    if (azure::check_challenge(*challenge, "https://v.vault.azure.net", scope)) {
      require(challenge->resource == "https://vault.azure.net");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size > (1U << 16U)) return 0;
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  read_tokens(text);
  read_failures(text);
  read_vault(text);
  return 0;
}
