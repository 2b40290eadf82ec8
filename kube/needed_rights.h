// NeededRights: what sekisho asks the API for, by the role of deploy/kubernetes that grants it, and whether the API
// would let us.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "acme/preflight.h"
#include "kube/client.h"

namespace kube {

struct NeededRight {
  std::string_view group;     // empty: the core group
  std::string_view resource;  // "ingresses", "ingresses/status"
  std::vector<std::string_view> verbs;
  enum class Where : std::uint8_t {
    served,    // the namespace that is served, or all
    cluster,   // what belongs to no namespace; not where one namespace is served
    home,      // where sekisho runs
    anywhere,  // all namespaces, also where one is served
  } where = Where::served;
  std::string_view without;  // what does not work then
  // Named objects alone: this one, as the Features say. Otherwise all of the resource.
  enum class Of : std::uint8_t { all, webhook_configuration } of = Of::all;
};

// What one role grants.
struct NeededRole {
  std::string_view name;  // "sekisho-serve"
  enum class Need : std::uint8_t { always, to_issue, to_mirror, to_ask_first, to_read_vaults } need = Need::always;
  std::vector<NeededRight> rights;
};
[[nodiscard]] const std::vector<NeededRole>& needed_roles();

// What is switched on and needs more rights than serving and issuing.
struct RightsWanted {
  std::string served;  // the namespace; empty: all
  std::string home;    // where sekisho runs
  enum class Mirrors : bool { off, on } mirrors = Mirrors::off;
  enum class VaultObjects : bool { off, on } vault_objects = VaultObjects::off;
  std::string webhook_configuration;  // that is kept true; empty: none
  std::vector<std::string> copies;    // namespaces in which Secrets hold what is served
};

// Asks for each right by a SelfSubjectAccessReview. One Finding for each role of which all are there, and one for each
// resource of which some are missing. Some sixty short calls; blocking until `stop`.
[[nodiscard]] std::vector<acme::Finding> examine_rights(Client& client, const RightsWanted& wanted,
                                                        const std::stop_token& stop);

}  // namespace kube
