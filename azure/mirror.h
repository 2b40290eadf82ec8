// Mirror: a place in Azure that is to hold what we serve. Implemented by azure/gateway_mirror and
// azure/key_vault_mirror; azure/mirror_loop keeps them going.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "certstore/certificate.h"

namespace azure {

// One certificate that is to be there, or that is to be and cannot.
struct MirrorItem {
  std::string certificate_name;  // here: "www.example.com", "shop/tls"
  std::string name;              // there
  // by_operator: the name was given in the configuration, so that what stands there under it may be replaced.
  enum class Named : std::uint8_t { by_us, by_operator } named = Named::by_us;
  certstore::CertificatePtr certificate;  // null only with a refusal
  std::string refusal = {};               // why it is not to be written; what there is of that name stays. Empty: it is
  friend bool operator==(const MirrorItem&, const MirrorItem&) = default;
};

// How one of them does, for people and metrics.
struct MirrorState {
  std::string certificate_name;
  std::string name;
  // refused: somebody has to change something before it can be; behind: it will be tried again.
  enum class What : std::uint8_t { in_step, behind, refused } what = What::behind;
  std::string fingerprint;   // of what we serve
  base::SystemTime since{};  // when it came to be so
  std::string problem;       // empty where it is in step, or a moment behind
};

// What one attempt found, by the name there. What is missing is behind, without a problem.
struct MirrorOutcome {
  struct Finding {
    MirrorState::What what = MirrorState::What::behind;
    std::string problem = {};
    bool as_before = false;  // what was in step may well be so still
  };
  std::map<std::string, Finding> items;
  std::optional<std::chrono::milliseconds> again;  // not before this; none: as the loop sees fit
  bool blind = false;                              // nothing could be read: what was in step may well be so still

  // The same for all items that nothing is said of yet.
  void say_of_others(const std::vector<MirrorItem>& wanted, const Finding& finding) {
    for (const MirrorItem& item : wanted) items.try_emplace(item.name, finding);
  }
};

class Mirror {
 public:
  virtual ~Mirror() = default;
  // For people and metrics: "application gateway rg1/appgw".
  [[nodiscard]] virtual const std::string& where() const = 0;
  // Looks at what is there and makes it what is wanted, as far as that can be done now. Blocking: minutes. One thread.
  // Once `stop` is asked for, nothing more is written: something else is wanted, or somebody else writes.
  [[nodiscard]] virtual MirrorOutcome reconcile(const std::vector<MirrorItem>& wanted, const std::stop_token& stop) = 0;
};

}  // namespace azure
