// Entra's token endpoint: a proof of identity for a token (RFC 6749 §4.4, RFC 7523 §2.2).
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "azure/entra_failure.h"
#include "azure/grant.h"
#include "azure/http_pool.h"
#include "azure/identity.h"
#include "base/error.h"

namespace azure {

// What shows who we are: an assertion, or a secret. Exactly one is not empty.
struct Proof {
  std::string assertion;  // a JWT; secret
  std::string secret;
};

class Entra {
 public:
  explicit Entra(IdentityOptions options);

  struct Exchange {
    std::string tenant;
    std::string client_id;
    std::string scope;
    // Called for each try: a file is read anew, an assertion signed anew.
    std::function<base::Result<Proof>()> prove;
    bool through_proxy = false;  // the token proxy of the environment, if there is one
  };
  // Tries at most three times, within 30 s: what is transient after a pause, an assertion outside its time with a new
  // one. Blocking. Any thread.
  [[nodiscard]] base::Result<Grant> exchange(const Exchange& exchange, const std::stop_token& stop);

  // "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token": also the audience of an assertion of our own.
  [[nodiscard]] std::string token_url(const std::string& tenant) const;
  [[nodiscard]] const IdentityOptions& options() const noexcept { return options_; }

 private:
  struct Answer {
    base::HttpResponse response;
    Claims proof;
  };
  [[nodiscard]] base::Result<base::HttpRequest> request_for(const Exchange& exchange) const;
  [[nodiscard]] base::Result<void> lead_through_proxy(const std::string& path, base::HttpRequest& request) const;
  [[nodiscard]] base::Result<Answer> send(const Exchange& exchange, const std::stop_token& stop);

  const IdentityOptions options_;
  HttpPool http_;
};

}  // namespace azure
