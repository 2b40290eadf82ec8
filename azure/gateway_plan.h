// GatewayPlan: what has to change on an Application Gateway so that it holds what we serve, and the document that says
// so. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "azure/gateway_document.h"
#include "azure/pfx_upload.h"
#include "base/clock.h"
#include "base/error.h"

namespace azure {

// One certificate that is to be on the gateway.
struct GatewayWant {
  std::string name;                      // of the element
  std::string fingerprint = {};          // of our leaf, lower case; empty: there is none
  std::vector<std::string> hosts = {};   // that it is good for: "www.example.com", "*.example.com"
  std::string key_vault_secret_id = {};  // where the gateway is to read it; empty: it is uploaded
  base::SystemTime not_before{};
  base::SystemTime not_after{};
  // leave: it cannot be written; what there is of that name stays, and no listener is led to a lesser one instead.
  enum class Use : std::uint8_t { write, leave } use = Use::write;
  friend bool operator==(const GatewayWant&, const GatewayWant&) = default;
};

struct GatewayRules {
  std::string name_prefix;             // what begins so is ours, whether it is wanted or not; empty: nothing is
  std::vector<std::string> listeners;  // whose reference follows the certificate for their host
  // The only certificate that the mirror is configured to hold: that of listeners for any host. Empty: it may hold
  // several, whatever it holds at the moment.
  std::string only = {};
};

// What is known besides the document.
struct GatewayRound {
  std::set<std::string> prune = {};  // names that are to go if they still may
  // What we have written already and cannot compare, by name and fingerprint; it is as it should be.
  std::function<bool(const GatewayWant&)> taken = {};
  // Whether what a failed operation has left is to be written anew now, even though nothing differs.
  enum class Mend : std::uint8_t { now, not_yet } mend = Mend::now;
};

struct GatewayStep {
  enum class What : std::uint8_t {
    add,
    replace,  // another certificate, or another place where it is read
    mend,     // it is shown, and may not be served, for the last operation failed
    hasten,   // the vault has a newer one than the gateway shows: a PUT makes it look
    refer,    // of a listener
    prune,
  } what = What::add;
  std::string name;     // of the certificate; with `refer` of the listener
  std::string to = {};  // with `refer`: the certificate's name
};

struct GatewayPlan {
  std::vector<GatewayStep> steps;      // empty: nothing is to be done
  std::vector<std::string> unchecked;  // wanted, there, and not to be compared, for the gateway shows no certificate
  std::vector<std::string> doubtful;   // shown, perhaps not served, and not written anew yet
  std::vector<std::string> problems;   // what only people can mend, each a sentence
};

[[nodiscard]] GatewayPlan plan_gateway(const GatewayDocument& there, const std::vector<GatewayWant>& wanted,
                                       const GatewayRules& rules, const GatewayRound& round = {});

// Those that are ours, wanted no more and referred to by nobody.
[[nodiscard]] std::vector<std::string> prunable(const GatewayDocument& there, const std::vector<GatewayWant>& wanted,
                                                const GatewayRules& rules);

// The document with all of the plan's steps done, all else byte for byte as it is. `uploads`: by name, one for each
// certificate of the plan that is not read from a vault. The result holds private keys. Errors: `internal`, `protocol`.
[[nodiscard]] base::Result<SecretText> rebuilt(const GatewayDocument& there, const std::vector<GatewayWant>& wanted,
                                               const GatewayPlan& plan,
                                               const std::map<std::string, UploadedPfx>& uploads);

// Of an Application Gateway v2. https://learn.microsoft.com/azure/azure-resource-manager/management/
// azure-subscription-service-limits#application-gateway-limits
inline constexpr std::size_t most_gateway_certificates = 100;

// Whether the step puts a certificate, or where it is read, into the document.
[[nodiscard]] bool writes_certificate(GatewayStep::What what) noexcept;

[[nodiscard]] std::string_view to_string(GatewayStep::What what) noexcept;

}  // namespace azure
