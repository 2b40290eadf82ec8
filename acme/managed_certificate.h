// ManagedCertificate: a certificate that sekisho gets by itself, as `certs`, `why` and the metrics show it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/order_progress.h"
#include "acme/renewal.h"
#include "base/clock.h"
#include "certstore/certificate.h"

namespace acme {

struct ManagedCertificate {
  enum class State : std::uint8_t {
    held_elsewhere,  // another source has a good certificate for its names
    waiting,         // none yet; `next_action` says when it is tried
    queued,          // due, waits for its turn
    ordering,        // see `order`
    issued,          // good; renewed at `next_action`
    failed,          // there is none, or the renewal fails; `problem` says why, `next_action` when it is tried again
  };

  std::string name;
  std::vector<std::string> hosts;
  std::string issuer;       // as configured
  std::string issuer_kind;  // "acme", "ca", "self_signed"
  std::string issued_by;    // the issuer that made what is there: another one after a fallback; empty: none is there
  std::vector<certstore::CertificatePtr> certificates;  // one for each key type
  std::vector<std::string> records;                     // how the store knows them: the source's candidates
  State state = State::waiting;
  std::string detail;  // for people: why it is in that state: "held by files app.crt until 2027-01-02"
  std::optional<base::SystemTime> next_action;
  std::string next_action_reason;  // "renewal window of the CA", "third try after a failure"
  std::optional<KnownWindow> window;
  std::string explanation_url;  // RFC 9773: why the CA wants it early
  unsigned failures = 0;        // since the last success
  std::string problem;          // the last failure; empty after a success
  std::string problem_type;     // "rateLimited"; empty: it was not the CA
  std::optional<base::SystemTime> failed_at;
  std::optional<OrderProgress> order;  // of the attempt under way, or of the last one that failed
  bool on_demand = false;
};

[[nodiscard]] std::string_view to_string(ManagedCertificate::State state) noexcept;

}  // namespace acme
