// TokenCache: tokens in memory, asked for anew before they end, one exchange at a time for each request.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

#include "azure/identity.h"
#include "azure/tokens.h"
#include "base/clock.h"

namespace azure {

class TokenCache final : public Tokens {
 public:
  TokenCache(std::shared_ptr<Identity> identity, const base::Clock& clock);
  ~TokenCache() override;  // wipes them

  [[nodiscard]] base::Result<AccessToken> token(const TokenRequest& request, std::stop_token stop) override;
  void refused(const TokenRequest& request, const AccessToken& token) override;

 private:
  struct Entry {
    std::optional<Grant> grant;
    base::SystemTime refresh{};  // from then on it is asked for anew
    bool under_way = false;
    std::optional<base::Error> failure;  // of the last exchange
    base::SystemTime again{};            // not asked before, after a failure
    unsigned failures = 0;               // one after another
    base::SystemTime refused{};          // when a token was given back last
  };
  // With mutex_ held.
  [[nodiscard]] std::optional<base::Result<AccessToken>> answer_from(const Entry& entry) const;
  void take(Entry& entry, base::Result<Grant> result);

  const std::shared_ptr<Identity> identity_;
  const base::Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<TokenRequest, Entry> entries_;  // as many as the configuration names
};

}  // namespace azure
