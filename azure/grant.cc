#include "azure/grant.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <utility>

#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/base64.h"
#include "base/json.h"
#include "certstore/secret_bytes.h"

namespace azure {
namespace {

using std::chrono::seconds;

constexpr std::size_t longest_token = 64U << 10U;
constexpr std::size_t longest_claim = 300;
constexpr seconds longest_life = std::chrono::days(7);
constexpr seconds assumed_life = std::chrono::minutes(5);
constexpr std::int64_t latest = 9'000'000'000;  // nanoseconds in 64 bits hold no more

// A count that one service writes as a number and another as text.
std::optional<std::int64_t> count_member(const nlohmann::json& json, std::string_view name) {
  const nlohmann::json* member = acme::member(json, name);
  if (member == nullptr) return std::nullopt;
  if (member->is_number_unsigned()) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(member->get<std::uint64_t>(), latest));
  }
  if (!member->is_string()) return std::nullopt;
  const auto& text = member->get_ref<const std::string&>();
  std::int64_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (problem != std::errc() || end != text.data() + text.size() || count < 0) return std::nullopt;
  return std::min(count, latest);
}

// It goes into a header field.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= longest_token &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::unexpected<base::Error> no_token(const char* why) {
  return base::fail(base::Code::protocol, std::string("the answer holds no token: ") + why, base::Origin::upstream,
                    base::Retry::later);
}

// The answer's own copies, at the end of the scope.
class TokensWiped {
 public:
  explicit TokensWiped(nlohmann::json& answer) : answer_(answer) {}
  ~TokensWiped() {
    for (const char* name : {"access_token", "accessToken", "refresh_token"}) {
      const auto token = answer_.find(name);
      if (token == answer_.end() || !token->is_string()) continue;
      auto& text = token->get_ref<std::string&>();
      certstore::wipe(text.data(), text.size());
    }
  }
  TokensWiped(const TokensWiped&) = delete;
  TokensWiped& operator=(const TokensWiped&) = delete;

 private:
  nlohmann::json& answer_;
};

base::SystemTime end_of(const nlohmann::json& json, base::SystemTime now) {
  if (const auto life = count_member(json, "expires_in")) return now + std::min(seconds(*life), longest_life);
  if (const auto end = count_member(json, "expires_on")) {
    return std::min(base::SystemTime(seconds(*end)), now + longest_life);
  }
  return now + assumed_life;
}

}  // namespace

base::Result<Grant> grant_from(std::string_view text, base::SystemTime now) {
  nlohmann::json json = base::parse_json(text);
  if (!json.is_object()) return no_token("no JSON object");
  const TokensWiped wiped(json);
  const std::string* token = acme::text_member(json, "access_token");
  if (token == nullptr) token = acme::text_member(json, "accessToken");
  if (token == nullptr || !is_token(*token)) return no_token("nothing that could be one");
  Grant grant{.token = *token, .expires = end_of(json, now), .refresh = {}};
  if (const auto refresh = count_member(json, "refresh_in")) {
    grant.refresh = now + std::min(seconds(*refresh), longest_life);
  }
  return grant;
}

base::Result<Grant> grant_from_output(std::string_view text, base::SystemTime now) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return no_token("it is empty");
  text = text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
  if (text.starts_with('{')) return grant_from(text, now);
  if (!is_token(text)) return no_token("neither JSON nor one word");
  return Grant{.token = std::string(text),
               .expires = std::min(claims_of(text).expires.value_or(now + assumed_life), now + longest_life),
               .refresh = {}};
}

Claims claims_of(std::string_view jwt) {
  Claims claims;
  const std::size_t first = jwt.find('.');
  const std::size_t second = first == std::string_view::npos ? first : jwt.find('.', first + 1);
  if (second == std::string_view::npos || jwt.size() > longest_token) return claims;
  const auto payload = base::from_base64url(jwt.substr(first + 1, second - first - 1));
  if (!payload) return claims;
  const nlohmann::json json = base::parse_json(*payload);
  claims.issuer = acme::shown_member(json, "iss", longest_claim);
  claims.subject = acme::shown_member(json, "sub", longest_claim);
  claims.audience = acme::shown_member(json, "aud", longest_claim);
  const nlohmann::json* audiences = acme::array_member(json, "aud");
  if (audiences != nullptr && !audiences->empty() && audiences->front().is_string()) {
    claims.audience = acme::shown(audiences->front().get_ref<const std::string&>(), longest_claim);
  }
  if (const auto end = count_member(json, "exp")) claims.expires = base::SystemTime(seconds(*end));
  return claims;
}

}  // namespace azure
