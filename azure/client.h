// Client: authorised calls to Azure's REST APIs. Each has a deadline, brings an answer of bounded size, and is tried
// again where that is safe and the server wants it, within a small budget. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "azure/failure.h"
#include "azure/http_pool.h"
#include "azure/tokens.h"
#include "base/clock.h"
#include "base/http_client.h"

namespace azure {

struct Call {
  std::string method = "GET";
  std::string url;                                // the whole of it, with its query
  std::optional<TokenRequest> token;              // none: sent without Authorization
  std::string body = {};                          // JSON; goes out byte for byte
  std::vector<base::HttpHeader> headers = {};     // If-Match …
  unsigned retries = 3;                           // after 429, 503 and other 5xx; 0: never sent twice
  std::size_t body_limit = 8U << 20U;             // of the answer
  std::optional<base::SteadyTime> deadline = {};  // where the client's is later
};

class Client {
 public:
  // Whether the whole time has passed; false: `stop` was asked for.
  using Wait = std::function<bool(std::chrono::milliseconds, const std::stop_token&)>;
  struct Options {
    const base::Clock& clock;
    std::string ca_pem = {};                    // all that are trusted; empty: the system's
    std::chrono::milliseconds timeout{60'000};  // of a call with all its retries
    Wait wait = {};                             // empty: base::wait_for
  };

  Client(std::shared_ptr<Tokens> tokens, Options options);

  // 2xx is the answer, anything else the failure. 401: the token is given back as refused and another one is asked for,
  // once. 429 and 5xx: waited for as long as the server says, or 1, 2, 4, 8, 16 s, as far as the retries and the
  // deadline go. A POST is sent again only where the server says that it did nothing (429, 503). Blocking.
  [[nodiscard]] Outcome<base::HttpResponse> send(const Call& call, std::stop_token stop = {});
  // The same where the answer is a JSON object. An error of the kind `protocol` if it is none.
  [[nodiscard]] Outcome<nlohmann::json> object(const Call& call, std::stop_token stop = {});

  [[nodiscard]] const base::Clock& clock() const noexcept { return options_.clock; }

 private:
  [[nodiscard]] base::HttpRequest request_of(const Call& call, std::chrono::milliseconds left) const;
  [[nodiscard]] Outcome<base::HttpResponse> send_once(const Call& call, base::SteadyTime deadline,
                                                      const std::stop_token& stop);

  const std::shared_ptr<Tokens> tokens_;
  const Options options_;
  HttpPool http_;
};

}  // namespace azure
