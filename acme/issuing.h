// Issuing: one attempt at one certificate, with whichever kind of issuer the configuration names, up to the record in
// storage.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "acme/accounts.h"
#include "acme/challenge_table.h"
#include "acme/clients.h"
#include "acme/dns_provider.h"
#include "acme/failure.h"
#include "acme/ledger.h"
#include "acme/lock.h"
#include "acme/order_progress.h"
#include "acme/preflight.h"
#include "acme/solver.h"
#include "acme/storage.h"
#include "acme/stored_certificate.h"
#include "acme/target.h"
#include "base/clock.h"
#include "config/issuers.h"

namespace acme {

struct NotIssued {
  enum class Why : std::uint8_t {
    failed,     // the issuer said no, or could not be asked: counts as a failure
    held_back,  // a limit of our own, so that the CA's is never reached; Failure::not_before says until when
    preflight,  // what the CA would find is not right; it was not asked
    busy,       // another process is at it
    stopped,    // shutdown, or no longer wanted
  };
  Why why = Why::failed;
  Failure failure;
};

using Attempt = std::expected<StoredCertificate, NotIssued>;
using Issuers = std::map<std::string, config::Issuer>;

class Issuing {
 public:
  struct Parts {
    Storage& storage;
    Locks& locks;
    ChallengeTable& challenges;
    Accounts& accounts;
    Clients& clients;
    const base::Clock& clock;
    Preflight::Options preflight;
    // For the metrics: type ("http-01") and outcome ("valid").
    std::function<void(config::ChallengeType, Challenge::Status)> challenge_ended;
    AzureZones azure_zones = {};
  };
  // A renewal replaces `previous`. `in_window`: the CA asked for it now, and does not count it (RFC 9773 §5).
  struct Request {
    const Target& target;
    const std::string& issuer;
    const Issuers& issuers;
    const std::optional<StoredCertificate>& previous;
    Ledger::Kind kind = Ledger::Kind::fresh;
    double jitter = 0;
    ShowProgress show = {};
  };

  explicit Issuing(Parts parts) : parts_(std::move(parts)) {}

  // Takes the lock of the certificate; whoever finds that storage has a newer one than `previous`, uses that. The
  // answer is in storage already. Blocking: minutes.
  [[nodiscard]] Attempt run(const Request& request, std::stop_token stop);

 private:
  Attempt sign(const Request& request, const config::Issuer& issuer, const Lock& lock, std::stop_token stop);
  Attempt order(const Request& request, const config::AcmeIssuer& issuer, const Lock& lock, std::stop_token stop);
  std::expected<void, NotIssued> look_ahead(const Request& request, const config::AcmeIssuer& issuer,
                                            const Directory& directory, const Signer& signer, std::stop_token stop);
  base::Result<std::unique_ptr<Solver>> solver_for(config::ChallengeType challenge, const config::AcmeIssuer& issuer);
  base::Result<std::string> key_for(const Request& request);
  Attempt store(const Request& request, certstore::CertificatePtr certificate, const std::string& authority);

  Parts parts_;
};

// Whether what `authority` made is as good as from `issuer`: it is that issuer, or one that it falls back to. Any is
// where the authority is not known (empty).
[[nodiscard]] bool issues_for(const Issuers& issuers, std::string issuer, const std::string& authority);

// That issuer, or the one among those that it falls back to, if it is an ACME server that is `authority`; null: none
// is. Never another of the same URL, whose trust and rights are others.
[[nodiscard]] const config::AcmeIssuer* issuer_at(const Issuers& issuers, std::string issuer,
                                                  const std::string& authority);

// Where an issuer's certificates come from: the directory's URL, "ca" or "self_signed".
[[nodiscard]] std::string authority_of(const config::Issuer& issuer);

}  // namespace acme
