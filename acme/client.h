// Client: the operations of RFC 8555 and RFC 9773, one function each. What follows what is in obtain.h.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "acme/account.h"
#include "acme/authorization.h"
#include "acme/directory.h"
#include "acme/failure.h"
#include "acme/jws.h"
#include "acme/order.h"
#include "acme/renewal_info.h"
#include "base/clock.h"

namespace acme {

class Server;

// An account that can sign: its key and its URL.
struct Signer {
  AccountKey key;
  std::string account_url;
};

struct NewAccount {
  std::vector<std::string> contact;  // "mailto:..."
  bool terms_agreed = false;
  bool only_existing = false;         // RFC 8555 §7.3.1: errors with accountDoesNotExist
  std::optional<std::string> key_id;  // external account binding
  std::string hmac_key;               // base64url; with key_id
};

// A thing and when the server wants to be asked again (RFC 8555 §7.5.1: Retry-After, seconds or an HTTP date).
template <class T>
struct Polled {
  T value;
  std::optional<std::chrono::seconds> retry_after;  // 0 s … 1 day
};

struct IssuedChain {
  std::string pem;                      // leaf first; controlled by the CA, 1 MiB at most
  std::vector<std::string> alternates;  // URLs of other chains for the same leaf (RFC 8555 §7.4.2), at most 10
};

// One ACME server. Keeps the directory for an hour and a few nonces. Any thread: each call uses a connection of its own
// from a small pool. All calls block, with a deadline for each exchange, and end early when `stop` is asked for.
// badNonce is tried again with the nonce that came with it (RFC 8555 §6.5), eight times at most. What the server
// answers with an error document becomes Failure::problem and Failure::not_before (Retry-After).
class Client {
 public:
  struct Options {
    std::string directory_url;                   // https; http only towards loopback
    std::filesystem::path ca_certificates = {};  // trust for the server's own TLS; empty: the system's
    std::chrono::milliseconds timeout{30'000};   // of one exchange
  };
  // Told of each exchange, for metrics: operation ("newOrder"), HTTP status or 0, problem type or "".
  struct Exchange {
    std::string_view operation;
    unsigned status;
    std::string_view problem;
    std::chrono::milliseconds duration;
  };
  using Observe = std::function<void(const Exchange&)>;

  Client(Options options, const base::Clock& clock, Observe observe = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] const std::string& directory_url() const noexcept;

  Outcome<Directory> directory(std::stop_token stop);
  Outcome<Directory> directory_anew(std::stop_token stop);  // whatever is kept

  // RFC 8555 §7.3: finds the account of this key, or makes it.
  Outcome<Account> new_account(const AccountKey& key, const NewAccount& wanted, std::stop_token stop);
  Outcome<Account> account(const Signer& signer, std::stop_token stop);
  Outcome<Account> change_contact(const Signer& signer, const std::vector<std::string>& contact, std::stop_token stop);
  Outcome<void> deactivate(const Signer& signer, std::stop_token stop);                          // §7.3.6
  Outcome<void> change_key(const Signer& signer, const AccountKey& next, std::stop_token stop);  // §7.3.5
  // URLs of the account's orders, at most 1,000 (§7.1.2.1); empty where the server does not list them.
  Outcome<std::vector<std::string>> orders(const Signer& signer, const Account& account, std::stop_token stop);

  Outcome<Order> new_order(const Signer& signer, const NewOrder& wanted, std::stop_token stop);  // §7.4
  Outcome<Polled<Order>> order(const Signer& signer, const std::string& url, std::stop_token stop);
  Outcome<Polled<Authorization>> authorization(const Signer& signer, const std::string& url, std::stop_token stop);
  Outcome<void> deactivate_authorization(const Signer& signer, const std::string& url, std::stop_token stop);
  Outcome<Challenge> respond(const Signer& signer, const Challenge& challenge, std::stop_token stop);  // §7.5.1
  // `csr`: DER.
  Outcome<Polled<Order>> finalize(const Signer& signer, const Order& order, std::string_view csr, std::stop_token stop);
  Outcome<IssuedChain> download(const Signer& signer, const std::string& url, std::stop_token stop);  // §7.4.2

  // `certificate`: DER. `reason`: RFC 5280 §5.3.1; §7.6.
  Outcome<void> revoke(const Signer& signer, std::string_view certificate, std::optional<unsigned> reason,
                       std::stop_token stop);

  // RFC 9773 §4.3; unauthenticated. `not_found` if the server has no ARI.
  Outcome<Polled<RenewalInfo>> renewal_info(const std::string& certificate_id, std::stop_token stop);

 private:
  std::unique_ptr<Server> server_;
};

}  // namespace acme
