// Preflight: what the CA is going to find, looked at before it is asked, so that no failed authorization is spent on
// it.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "acme/challenge_table.h"
#include "acme/directory.h"
#include "acme/identifier.h"
#include "base/clock.h"
#include "base/error.h"
#include "config/issuers.h"

namespace acme {

// One look at one name. Also what `sekisho doctor` prints.
struct Finding {
  enum class Verdict { good, bad, unknown };  // unknown: could not be looked at; never holds an order back
  std::string check;                          // "resolves", "port 80", "port 443", "CAA", "clock", "zone", "record"
  std::string name;                           // the identifier; empty for the clock
  Verdict verdict = Verdict::good;
  std::string text;  // for people: what was found, what was expected, what to do
};

class Preflight {
 public:
  struct Options {
    std::vector<std::string> nameservers;  // "IP:port"; empty: those of the system
    unsigned http_port = 80;               // others only in tests, with a CA that looks there
    unsigned tls_port = 443;
    std::chrono::milliseconds timeout{5'000};  // of each look
    bool records_by_hand = false;  // nobody but the operator can make the record of a dns-persist-01 challenge
  };
  [[nodiscard]] static Options options_for(const config::AcmeIssuer& issuer, Options otherwise);

  Preflight(ChallengeTable& table, const base::Clock& clock, Options options);

  // For each name: it resolves; with http-01 port 80 of one of its addresses answers a token of our own (any of the
  // fleet's processes may answer; an address that cannot be reached from here, as where hairpin is not possible, is
  // `unknown`, one that answers something else is `bad`); with tls-alpn-01 the same on 443; with dns-01 its zone is
  // found, and where the operator has to make the record, that is there; CAA (RFC 8659, RFC 8657 accounturi and
  // validationmethods) allows one of the directory's caaIdentities; and once, the clock is within 5 minutes of the
  // server's Date. Blocking, at most 60 s in all.
  [[nodiscard]] std::vector<Finding> look(const std::vector<Identifier>& names, config::ChallengeType challenge,
                                          const Directory& directory, const std::string& account_url,
                                          std::stop_token stop);

 private:
  ChallengeTable& table_;
  const base::Clock& clock_;
  Options options_;
};

}  // namespace acme
