#include "kube/certificate_plan.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/host_names.h"

namespace kube {
namespace {

constexpr std::chrono::hours usual_duration{24 * 90};

std::unexpected<Refusal> refuse(std::string reason, std::string message) {
  return std::unexpected(Refusal{std::move(reason), std::move(message)});
}

std::unexpected<Refusal> refuse_solver(const ChallengeSolver& solver) {
  const auto& foreign = std::get<ForeignSolver>(solver.way);
  return refuse(
      "UnsupportedSolver",
      fmt::format("Error initializing DNS provider: sekisho has no solver {}; use http01, rfc2136 or azureDNS, or "
                  "leave this issuer to a cert-manager",
                  foreign.provider));
}

bool is_supported(const ChallengeSolver& solver) {
  return !std::holds_alternative<ForeignSolver>(solver.way);
}

std::expected<std::string, Refusal> tsig_algorithm(const std::string& name) {
  std::string lower = name;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const auto* bits : {"224", "256", "384", "512"}) {
    if (lower == std::string("hmacsha") + bits) return std::string("hmac-sha") + bits;
  }
  return refuse("UnsupportedSolver",
                fmt::format("the TSIG algorithm {} is not secure; make a key of HMACSHA256 or HMACSHA512",
                            name.empty() ? "HMACMD5 (the default)" : name));
}

std::filesystem::path file_of(const SecretKeyRef& secret, const IssuerMaterials& materials) {
  const auto file = materials.solver_secrets.find(secret);
  return file == materials.solver_secrets.end() ? std::filesystem::path() : file->second;
}

std::expected<config::DnsSolver, Refusal> plan_rfc2136(const Rfc2136Solver& solver, const IssuerMaterials& materials) {
  config::Rfc2136 zone;
  const auto server = config::parse_endpoint(solver.nameserver);
  zone.server = server ? solver.nameserver : solver.nameserver + ":53";
  if (solver.secret) {
    const auto algorithm = tsig_algorithm(solver.algorithm);
    if (!algorithm) return std::unexpected(algorithm.error());
    zone.key_algorithm = *algorithm;
    zone.key_name = solver.key_name;
    zone.secret_file = file_of(*solver.secret, materials);
  }
  config::DnsSolver dns;
  dns.provider = std::move(zone);
  return dns;
}

std::expected<std::optional<config::AzureCloud>, Refusal> azure_cloud(const std::string& environment) {
  if (environment.empty()) return std::nullopt;
  if (environment == "AzurePublicCloud") return config::AzureCloud::worldwide;
  if (environment == "AzureUSGovernmentCloud") return config::AzureCloud::us_government;
  if (environment == "AzureChinaCloud") return config::AzureCloud::china;
  return refuse("UnsupportedSolver", fmt::format("azureDNS: there is no environment {}", environment));
}

// What goes into the path of a URL.
bool is_segment(std::string_view text) {
  return text != "." && text != ".." && std::ranges::all_of(text, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '(' || c == ')';
         });
}

std::expected<config::DnsSolver, Refusal> plan_azure(const AzureDnsSolver& solver, const IssuerObject& issuer,
                                                     const IssuerMaterials& materials) {
  const auto cloud = azure_cloud(solver.environment);
  if (!cloud) return std::unexpected(cloud.error());
  for (const std::string* part :
       {&solver.subscription, &solver.resource_group, &solver.hosted_zone, &solver.tenant, &solver.client_id}) {
    if (!is_segment(*part)) return refuse("UnsupportedSolver", "azureDNS: an id or name that cannot be one");
  }
  // As in cert-manager: sekisho may write into zones that whoever may make an Issuer in some namespace may not.
  if (!solver.secret && !issuer.of_cluster()) {
    return refuse("UnsupportedSolver",
                  "azureDNS of an Issuer needs clientID, tenantID and clientSecretSecretRef: only a ClusterIssuer may "
                  "use sekisho's own identity");
  }
  if (solver.secret && (solver.client_id.empty() || solver.tenant.empty())) {
    return refuse("UnsupportedSolver", "azureDNS: clientSecretSecretRef needs clientID and tenantID beside it");
  }
  config::AzureDns zone{.subscription_id = solver.subscription,
                        .resource_group = solver.resource_group,
                        .zone = solver.hosted_zone,
                        .cloud = *cloud,
                        .identity = {.tenant_id = solver.tenant, .client_id = solver.client_id},
                        .managed_identity_resource_id = solver.secret ? "" : solver.identity_resource,
                        .client_secret_file = {}};
  if (solver.secret) {
    zone.client_secret_file = file_of(*solver.secret, materials);
    // Without it the zone would be written by sekisho's own rights.
    if (zone.client_secret_file.empty()) return refuse("ErrInitSolver", "azureDNS: its secret is not known yet");
  }
  config::DnsSolver dns;
  dns.provider = std::move(zone);
  return dns;
}

// One solver for all names: an order goes one way.
std::expected<const ChallengeSolver*, Refusal> solver_for(const CertificateObject& certificate,
                                                          const AcmeIssuerSpec& acme,
                                                          const std::vector<std::string>& hosts) {
  const ChallengeSolver* chosen = nullptr;
  std::string first;
  for (const std::string& host : hosts) {
    const ChallengeSolver* solver = choose_solver(acme.solvers, host, certificate.metadata.labels);
    if (solver == nullptr) {
      return refuse("NoSolver", fmt::format("no configured challenge solvers can be used for {}{}", host,
                                            host.starts_with("*.") ? ": a wildcard needs one by DNS" : ""));
    }
    if (chosen != nullptr && chosen->way != solver->way) {
      return refuse("SeveralSolvers", fmt::format("{} and {} are for different solvers, and sekisho uses one for a "
                                                  "certificate; make two Certificates of it",
                                                  first, host));
    }
    if (chosen == nullptr) first = host;
    chosen = solver;
  }
  if (!is_supported(*chosen)) return refuse_solver(*chosen);
  return chosen;
}

std::expected<config::CertificateKey, Refusal> plan_key(const WantedKey& key) {
  config::CertificateKey planned;
  planned.reuse = key.rotation_policy == "Never";
  if (key.algorithm == "ECDSA") {
    planned.types = {config::CertificateKey::Type::ecdsa};
    if (key.size != 0 && key.size != 256) {
      return refuse("UnsupportedPrivateKey",
                    fmt::format("sekisho makes ECDSA keys of 256 bits, not {}: set privateKey.size to 256", key.size));
    }
  } else if (key.algorithm.empty() || key.algorithm == "RSA") {
    planned.types = {config::CertificateKey::Type::rsa};
    if (key.size != 0) planned.rsa_bits = key.size;
    if (planned.rsa_bits != 2048 && planned.rsa_bits != 3072 && planned.rsa_bits != 4096) {
      return refuse("UnsupportedPrivateKey",
                    fmt::format("sekisho makes RSA keys of 2048, 3072 or 4096 bits, not {}", key.size));
    }
  } else {
    return refuse("UnsupportedPrivateKey",
                  fmt::format("sekisho makes RSA and ECDSA keys: no browser takes {}", key.algorithm));
  }
  return planned;
}

std::optional<std::chrono::seconds> renew_before(const CertificateObject& certificate) {
  if (certificate.renew_before) return certificate.renew_before;
  if (!certificate.renew_before_percentage) return std::nullopt;
  return certificate.duration.value_or(usual_duration) * *certificate.renew_before_percentage / 100;
}

std::expected<void, Refusal> plan_acme(const CertificateObject& certificate, const IssuerObject& issuer,
                                       const IssuerMaterials& materials, const IssuingRules& rules,
                                       CertificatePlan& plan) {
  const auto& acme = std::get<AcmeIssuerSpec>(issuer.spec);
  const auto solver = solver_for(certificate, acme, plan.wanted.hosts);
  if (!solver) return std::unexpected(solver.error());
  config::AcmeIssuer planned = plan_account(issuer, acme, materials, rules);
  if ((*solver)->by_dns()) {
    const auto* azure = std::get_if<AzureDnsSolver>(&(*solver)->way);
    auto dns = azure != nullptr ? plan_azure(*azure, issuer, materials)
                                : plan_rfc2136(std::get<Rfc2136Solver>((*solver)->way), materials);
    if (!dns) return std::unexpected(dns.error());
    planned.challenge = config::ChallengeType::dns01;
    planned.dns = std::move(*dns);
  }
  plan.wanted.issuer = fmt::format("{}#{}", issuer_key(issuer), *solver - acme.solvers.data());
  plan.issuer = std::move(planned);
  return {};
}

}  // namespace

std::string secrets_namespace(const IssuerObject& issuer, const IssuingRules& rules) {
  return issuer.of_cluster() ? rules.cluster_namespace : issuer.metadata.name.name_space;
}

std::string issuer_key(const IssuerObject& issuer) {
  if (issuer.of_cluster()) return "ClusterIssuer/" + issuer.metadata.name.name;
  return fmt::format("Issuer/{}/{}", issuer.metadata.name.name_space, issuer.metadata.name.name);
}

std::string issuer_key(const IssuerRef& issuer, const std::string& name_space) {
  if (issuer.kind == "ClusterIssuer") return "ClusterIssuer/" + issuer.name;
  return fmt::format("{}/{}/{}", issuer.kind, name_space, issuer.name);
}

std::expected<void, Refusal> check_issuer(const IssuerObject& issuer) {
  if (const auto* foreign = std::get_if<ForeignIssuerSpec>(&issuer.spec)) {
    return refuse("UnsupportedIssuer", fmt::format("sekisho has acme, ca and selfSigned issuers, not {}: leave this "
                                                   "one to a cert-manager",
                                                   foreign->what));
  }
  const auto* acme = std::get_if<AcmeIssuerSpec>(&issuer.spec);
  if (acme == nullptr) return {};
  if (!acme->server.starts_with("https://")) {
    return refuse("InvalidConfig", fmt::format("spec.acme.server: `{}` is no https URL", acme->server.substr(0, 200)));
  }
  if (acme->skip_tls_verify) {
    return refuse("InvalidConfig",
                  "spec.acme.skipTLSVerify: sekisho talks to no CA that it cannot verify; put the CA's root into "
                  "spec.acme.caBundle");
  }
  if (acme->solvers.empty()) return refuse("InvalidConfig", "spec.acme.solvers: at least one is needed");
  if (std::ranges::none_of(acme->solvers, is_supported)) return refuse_solver(acme->solvers.front());
  return {};
}

config::AcmeIssuer plan_account(const IssuerObject& issuer, const AcmeIssuerSpec& acme,
                                const IssuerMaterials& materials, const IssuingRules& rules) {
  config::AcmeIssuer planned;
  planned.directory = acme.server;
  planned.email = acme.email;
  planned.agree_to_terms = true;  // whoever writes the Issuer does
  planned.ca_certificates = materials.ca_certificates;
  planned.account_key = materials.account_key;
  // One account for a key at a server, whoever names it.
  planned.account = fmt::format("{}.{}.{}.{}", secrets_namespace(issuer, rules), acme.account_key.name,
                                acme.account_key.key, acme.server);
  if (acme.external_account) {
    planned.external_account =
        config::ExternalAccount{.key_id = acme.external_account->key_id, .hmac_key_file = materials.hmac_key};
  }
  planned.profile = acme.profile;
  planned.preferred_chain = acme.preferred_chain;
  planned.preflight = rules.preflight;
  planned.nameservers = rules.nameservers;
  planned.http_port = rules.http_port;
  planned.tls_port = rules.tls_port;
  return planned;
}

std::expected<CertificatePlan, Refusal> plan_certificate(const CertificateObject& certificate,
                                                         const IssuerObject& issuer, const IssuerMaterials& materials,
                                                         const IssuingRules& rules) {
  if (!certificate.refused.empty()) {
    // What signs others is made once, by hand: a CA that an edge renews on its own is one that all clients lose trust
    // in.
    const bool is_ca = std::ranges::find(certificate.refused, "isCA") != certificate.refused.end();
    return refuse(
        "UnsupportedField",
        fmt::format("sekisho cannot make a certificate with spec.{}: {}", fmt::join(certificate.refused, ", spec."),
                    is_ca ? "put the CA's certificate and key into a Secret for an issuer with spec.ca, or "
                            "leave it to a cert-manager"
                          : "leave it to a cert-manager"));
  }
  if (auto checked = check_issuer(issuer); !checked) return std::unexpected(checked.error());
  CertificatePlan plan;
  plan.wanted.name = to_string(certificate.metadata.name);
  plan.wanted.hosts = certificate.hosts();
  plan.wanted.renew_before = renew_before(certificate);
  auto key = plan_key(certificate.key);
  if (!key) return std::unexpected(key.error());
  plan.wanted.key = std::move(*key);
  if (std::holds_alternative<AcmeIssuerSpec>(issuer.spec)) {
    if (auto planned = plan_acme(certificate, issuer, materials, rules, plan); !planned) {
      return std::unexpected(planned.error());
    }
    return plan;
  }
  const std::chrono::seconds lifetime = certificate.duration.value_or(usual_duration);
  if (plan.wanted.renew_before && *plan.wanted.renew_before >= lifetime) {
    return refuse("InvalidConfig", "spec.renewBefore: it has to be less than spec.duration");
  }
  plan.wanted.issuer = fmt::format("{}#{}s", issuer_key(issuer), lifetime.count());
  if (std::holds_alternative<CaIssuerSpec>(issuer.spec)) {
    plan.issuer =
        config::CaIssuer{.certificate = materials.ca_certificate, .key = materials.ca_key, .lifetime = lifetime};
  } else {
    plan.issuer = config::SelfSignedIssuer{.lifetime = lifetime};
  }
  return plan;
}

}  // namespace kube
