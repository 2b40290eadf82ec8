// Server: an ACME server as requests and answers: its directory, its nonces, the connections towards it and the
// signing of what is sent. RFC 8555 §6. What is asked for is in client.h.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "acme/answer.h"
#include "acme/client.h"
#include "acme/directory.h"
#include "acme/failure.h"
#include "acme/jws.h"
#include "base/clock.h"
#include "base/http_client.h"

namespace acme {

// Any thread; the lock is never held while waiting for the server. Lives as long as its Client.
class Server {
 public:
  struct Post {
    // What must not be done twice is not sent again when no answer comes: the caller looks at what became of it.
    enum class Repeat : std::uint8_t { never, when_lost };

    std::string_view operation;  // "newOrder"; for metrics and errors
    std::string url;
    const AccountKey& key;
    std::string kid;      // empty: signed with the key itself as "jwk"
    std::string payload;  // empty: POST-as-GET
    Repeat repeat = Repeat::never;
    std::string accept = "application/json";
  };

  Server(Client::Options options, const base::Clock& clock, Client::Observe observe);

  [[nodiscard]] const Client::Options& options() const noexcept { return options_; }
  [[nodiscard]] base::SystemTime now() const { return clock_.now(); }

  // Kept for an hour.
  Outcome<Directory> directory(const std::stop_token& stop);
  Outcome<Directory> directory_anew(const std::stop_token& stop);
  // A good() answer, or why there is none. badNonce is tried again with the nonce that came with it, eight times.
  Outcome<Answer> post(const Post& post, const std::stop_token& stop);
  // Unauthenticated; only for the directory and ARI (RFC 8555 §6.3, RFC 9773 §4.1).
  Outcome<Answer> get(std::string_view operation, const std::string& url, const std::stop_token& stop);

 private:
  struct KeptNonce {
    std::string value;
    base::SteadyTime since;
  };

  // Any status. Tells the observer.
  base::Result<Answer> exchange(std::string_view operation, const base::HttpRequest& request,
                                const std::stop_token& stop);
  base::Result<Answer> send_signed(const Post& post, const std::string& nonce, const std::stop_token& stop);
  Outcome<std::string> nonce(const std::stop_token& stop);
  void keep_nonce(std::string nonce);
  [[nodiscard]] bool allowed(std::string_view url) const;
  void observe(std::string_view operation, const base::Result<Answer>& answer, std::chrono::milliseconds duration);

  std::unique_ptr<base::HttpClient> take_connection();
  void give_back(std::unique_ptr<base::HttpClient> connection);

  Client::Options options_;
  const base::Clock& clock_;
  Client::Observe observe_;
  std::mutex mutex_;  // of what follows
  std::optional<Directory> directory_;
  base::SteadyTime directory_since_;
  std::vector<KeptNonce> nonces_;  // the newest at the end
  std::vector<std::unique_ptr<base::HttpClient>> idle_;
};

}  // namespace acme
