// IssuerObject: cert-manager's Issuer and ClusterIssuer as plain data, with the solvers of ACME.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/metadata.h"

namespace kube {

// One value of a Secret.
struct SecretKeyRef {
  std::string name;
  std::string key;
  friend auto operator<=>(const SecretKeyRef&, const SecretKeyRef&) = default;
};

// Which names a solver is for; empty parts say nothing. All that is said has to match.
struct SolverSelector {
  std::vector<std::string> dns_names;
  std::vector<std::string> dns_zones;
  std::map<std::string, std::string> labels;  // of the Certificate
  friend bool operator==(const SolverSelector&, const SolverSelector&) = default;
};

// Answered by sekisho itself, whatever class it names: it is the ingress.
struct Http01Solver {
  std::string ingress_class;
  friend bool operator==(const Http01Solver&, const Http01Solver&) = default;
};
struct AzureDnsSolver {
  std::string subscription;
  std::string resource_group;
  std::string hosted_zone;  // empty: found by the name
  std::string environment;  // AzurePublicCloud, …
  std::string client_id;    // of the managed identity, or of the application; empty: that of the Pod
  std::string tenant;
  std::string identity_resource;       // of the managed identity, in the place of client_id
  std::optional<SecretKeyRef> secret;  // of the application
  friend bool operator==(const AzureDnsSolver&, const AzureDnsSolver&) = default;
};
struct Rfc2136Solver {
  std::string nameserver;
  std::string key_name;
  std::string algorithm;  // HMACSHA256, …
  std::optional<SecretKeyRef> secret;
  friend bool operator==(const Rfc2136Solver&, const Rfc2136Solver&) = default;
};
// One that sekisho does not have.
struct ForeignSolver {
  std::string provider;  // "route53", "webhook", "http01.gatewayHTTPRoute"
  friend bool operator==(const ForeignSolver&, const ForeignSolver&) = default;
};

struct ChallengeSolver {
  SolverSelector selector;
  std::variant<Http01Solver, AzureDnsSolver, Rfc2136Solver, ForeignSolver> way;
  [[nodiscard]] bool by_dns() const;                 // the only way to a wildcard
  [[nodiscard]] const SecretKeyRef* secret() const;  // null: it needs none
  friend bool operator==(const ChallengeSolver&, const ChallengeSolver&) = default;
};

struct AcmeIssuerSpec {
  std::string server;
  std::string email;
  SecretKeyRef account_key;
  bool may_make_key = true;  // not disableAccountKeyGeneration
  std::string preferred_chain;
  std::string profile;
  std::string ca_bundle;         // PEM
  bool skip_tls_verify = false;  // never honoured: such an issuer is not ready
  struct ExternalAccount {
    std::string key_id;
    SecretKeyRef hmac_key;
    friend bool operator==(const ExternalAccount&, const ExternalAccount&) = default;
  };
  std::optional<ExternalAccount> external_account;
  bool enable_duration = false;
  std::vector<ChallengeSolver> solvers;
  friend bool operator==(const AcmeIssuerSpec&, const AcmeIssuerSpec&) = default;
};
struct CaIssuerSpec {
  std::string secret_name;
  friend bool operator==(const CaIssuerSpec&, const CaIssuerSpec&) = default;
};
struct SelfSignedIssuerSpec {
  friend bool operator==(const SelfSignedIssuerSpec&, const SelfSignedIssuerSpec&) = default;
};
// One that sekisho does not have.
struct ForeignIssuerSpec {
  std::string what;  // "vault", "venafi"
  friend bool operator==(const ForeignIssuerSpec&, const ForeignIssuerSpec&) = default;
};

struct IssuerObject {
  Metadata metadata;
  ObjectRef reference;
  std::int64_t generation = 0;
  std::variant<AcmeIssuerSpec, CaIssuerSpec, SelfSignedIssuerSpec, ForeignIssuerSpec> spec;
  nlohmann::json status;  // as it was seen; an object

  [[nodiscard]] bool of_cluster() const { return metadata.name.name_space.empty(); }
};

// The spec is the matter of whoever may write the object. The mistake of a well-known guide is forgiven: spec.server
// and its neighbours beside an empty spec.acme.
[[nodiscard]] ObjectRead<IssuerObject> read_issuer(const Resource& resource, const nlohmann::json& object);

// What can be said of an issuer whatever its spec, which is left out.
[[nodiscard]] IssuerObject read_issuer_beside_spec(const Resource& resource, const nlohmann::json& object,
                                                   const ObjectFields& fields);

// The solver that is responsible for a name ("*.example.com"), as cert-manager chooses: an exact name before the
// longest zone before the most labels, the first of equals. Null: none is.
[[nodiscard]] const ChallengeSolver* choose_solver(const std::vector<ChallengeSolver>& solvers, const std::string& name,
                                                   const std::map<std::string, std::string>& labels);

// metadata.generation; 0 where there is none.
[[nodiscard]] std::int64_t generation_of(const nlohmann::json& object);

}  // namespace kube
