// Tokens: access tokens of our identity in Entra. What everything that calls Azure takes.
#pragma once

#include <compare>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "config/azure.h"

namespace azure {

// For whom a token is to be. What is empty is the identity's own.
struct TokenRequest {
  std::string scope;      // "https://vault.azure.net/.default": one resource
  std::string tenant;     // of the configuration, never of a challenge: our assertions go to its endpoint
  std::string client_id;  // another identity of the same kind
  friend auto operator<=>(const TokenRequest&, const TokenRequest&) = default;
};

struct AccessToken {
  std::string secret;  // what goes behind "Bearer "; never for a log
  base::SystemTime expires;
};

class Tokens {
 public:
  virtual ~Tokens() = default;
  // A token that is good for some minutes yet, from memory where there is one. Asked for anew before it ends; however
  // many ask at once, one exchange is under way for a request. After a failure the same error comes from memory for a
  // while. Blocking, with a deadline of its own. Any thread. Errors never hold a token or an assertion.
  [[nodiscard]] virtual base::Result<AccessToken> token(const TokenRequest& request, std::stop_token stop) = 0;
  // A service did not take it (401): it is not handed out again. Any thread.
  virtual void refused(const TokenRequest& request, const AccessToken& token) = 0;
};

}  // namespace azure
