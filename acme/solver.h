// Solver: makes a challenge come true, and takes it away again. One for each challenge type.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "acme/authorization.h"
#include "acme/challenge_table.h"
#include "acme/dns_zone.h"
#include "acme/jws.h"
#include "acme/storage.h"
#include "base/clock.h"
#include "base/error.h"
#include "config/issuers.h"

namespace acme {

// What a solver has to show for one authorization.
struct ChallengeTask {
  Identifier identifier;  // without "*."
  bool wildcard = false;
  std::string token;
  std::string key_authorization;                 // RFC 8555 §8.1
  std::string account_url;                       // dns-account-01 and dns-persist-01
  std::vector<std::string> issuer_domain_names;  // dns-persist-01
};

// Any thread.
class Solver {
 public:
  virtual ~Solver() = default;
  [[nodiscard]] virtual config::ChallengeType type() const = 0;
  // Returns when the CA may look. What it leaves behind when it fails, clean_up() takes away. Blocking.
  [[nodiscard]] virtual base::Result<void> present(const ChallengeTask& task, std::stop_token stop) = 0;
  // Whether or not present() succeeded; also for a task of a process that was killed. Errors are for the log; what is
  // left is taken away at the next start. Blocking, ended by `stop`, which comes some time after a drain has begun.
  virtual base::Result<void> clean_up(const ChallengeTask& task, std::stop_token stop) = 0;
};

[[nodiscard]] std::unique_ptr<Solver> make_http01_solver(ChallengeTable& table);
// RFC 8737 §3: a self-signed certificate with the critical acmeIdentifier extension. RFC 8738 §6 for addresses.
[[nodiscard]] std::unique_ptr<Solver> make_tls_alpn01_solver(ChallengeTable& table);

// dns-01 (RFC 8555 §8.4), dns-account-01 or dns-persist-01: a TXT record below the name, where a CNAME of it leads
// (followed, at most 8), shown when all authoritative servers of its zone have it. Writes down what it adds in
// `storage` below "dns/" before it adds it, so that a crash leaves no record behind for ever: see sweep_dns_records().
// A dns-persist-01 record is the account's standing permission: it is added where it is missing, and never taken away.
// With it `zone` may be null: then the record has to be there already, and the error says which.
struct DnsSolverOptions {
  config::ChallengeType type = config::ChallengeType::dns01;
  config::DnsPropagation propagation;
  std::chrono::seconds ttl{60};
  std::vector<std::string> nameservers;  // "IP:port"; empty: those of the system
  std::string zone;  // that the configuration names: a CNAME may lead to any name in it; empty: to names for challenges
};
[[nodiscard]] std::unique_ptr<Solver> make_dns_solver(std::shared_ptr<DnsZone> zone, Storage& storage,
                                                      DnsSolverOptions options);
// Takes away what processes that were killed left behind: records written down before `added_before` (an hour ago, say:
// what is younger may belong to an order that is under way or is gone on with). `zone` is the one that the solvers
// write to now; a record that it cannot remove stays written down, for another zone or the next time. Returns how many
// it took away. Blocking, ended by `stop`.
base::Result<unsigned> sweep_dns_records(DnsZone& zone, Storage& storage, base::SystemTime added_before,
                                         std::stop_token stop);
// The TXT record's owner and value for a task. Pure.
struct DnsRecord {
  std::string owner;  // without the dot at the end
  std::string value;
  friend bool operator==(const DnsRecord&, const DnsRecord&) = default;
};
[[nodiscard]] DnsRecord dns_record_of(config::ChallengeType type, const ChallengeTask& task);

}  // namespace acme
