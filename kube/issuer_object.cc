#include "kube/issuer_object.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/base64.h"

namespace kube {
namespace {

constexpr auto default_account_key = "tls.key";

SecretKeyRef read_key_ref(const ObjectFields& fields, std::string_view otherwise) {
  SecretKeyRef ref{fields.required_text("name"), fields.text("key")};
  if (ref.key.empty()) ref.key = otherwise;
  return ref;
}

SolverSelector read_selector(const ObjectFields& solver) {
  const auto fields = solver.object("selector");
  if (!fields) return {};
  return {fields->texts("dnsNames"), fields->texts("dnsZones"), fields->text_map("matchLabels")};
}

AzureDnsSolver read_azure(const ObjectFields& fields) {
  AzureDnsSolver azure{.subscription = fields.required_text("subscriptionID"),
                       .resource_group = fields.required_text("resourceGroupName"),
                       .hosted_zone = fields.text("hostedZoneName"),
                       .environment = fields.text("environment"),
                       .client_id = fields.text("clientID"),
                       .tenant = fields.text("tenantID")};
  if (const auto identity = fields.object("managedIdentity")) {
    azure.client_id = identity->text("clientID");
    azure.identity_resource = identity->text("resourceID");
    if (std::string tenant = identity->text("tenantID"); !tenant.empty()) azure.tenant = std::move(tenant);
  }
  if (const auto secret = fields.object("clientSecretSecretRef")) azure.secret = read_key_ref(*secret, "");
  return azure;
}

Rfc2136Solver read_rfc2136(const ObjectFields& fields) {
  Rfc2136Solver solver{.nameserver = fields.required_text("nameserver"),
                       .key_name = fields.text("tsigKeyName"),
                       .algorithm = fields.text("tsigAlgorithm"),
                       .secret = std::nullopt};
  if (const auto secret = fields.object("tsigSecretSecretRef")) solver.secret = read_key_ref(*secret, "");
  return solver;
}

// The provider that is named; it is no fault not to have it.
std::string provider_in(const ObjectFields& dns01) {
  for (const auto* provider :
       {"route53", "cloudDNS", "cloudflare", "webhook", "akamai", "digitalocean", "acmeDNS", "azuredns", "clouddns"}) {
    if (dns01.has(provider)) return provider;
  }
  return "unknown";
}

ChallengeSolver read_solver(const ObjectFields& fields) {
  ChallengeSolver solver{.selector = read_selector(fields), .way = ForeignSolver{"none"}};
  if (const auto http01 = fields.object("http01")) {
    if (http01->has("gatewayHTTPRoute")) {
      solver.way = ForeignSolver{"http01.gatewayHTTPRoute"};
    } else {
      const auto ingress = http01->object("ingress");
      std::string name = ingress ? ingress->text("ingressClassName") : "";
      if (name.empty() && ingress) name = ingress->text("class");
      solver.way = Http01Solver{std::move(name)};
    }
  } else if (const auto dns01 = fields.object("dns01")) {
    if (const auto azure = dns01->object("azureDNS")) {
      solver.way = read_azure(*azure);
    } else if (const auto rfc2136 = dns01->object("rfc2136")) {
      solver.way = read_rfc2136(*rfc2136);
    } else {
      solver.way = ForeignSolver{provider_in(*dns01)};
    }
  }
  return solver;
}

AcmeIssuerSpec read_acme(const ObjectFields& fields) {
  AcmeIssuerSpec acme{.server = fields.required_text("server"),
                      .email = fields.text("email"),
                      .account_key = {},
                      .may_make_key = !fields.boolean("disableAccountKeyGeneration").value_or(false),
                      .preferred_chain = fields.text("preferredChain"),
                      .profile = fields.text("profile"),
                      .ca_bundle = {},
                      .skip_tls_verify = fields.boolean("skipTLSVerify").value_or(false),
                      .external_account = std::nullopt,
                      .enable_duration = fields.boolean("enableDurationFeature").value_or(false),
                      .solvers = {}};
  if (const auto key = fields.object("privateKeySecretRef")) {
    acme.account_key = read_key_ref(*key, default_account_key);
  } else if (fields.has("name")) {  // the same mistake of indentation
    acme.account_key = read_key_ref(fields, default_account_key);
  } else {
    fields.refuse("privateKeySecretRef", "nothing", "the name of a Secret");
  }
  if (const std::string bundle = fields.text("caBundle"); !bundle.empty()) {
    auto decoded = base::from_base64(bundle);
    if (!decoded || !decoded->contains("-----BEGIN CERTIFICATE-----")) {
      fields.refuse("caBundle", "something else", "PEM certificates in base64");
    } else {
      acme.ca_bundle = std::move(*decoded);
    }
  }
  if (const auto binding = fields.object("externalAccountBinding")) {
    AcmeIssuerSpec::ExternalAccount account{.key_id = binding->required_text("keyID"), .hmac_key = {}};
    if (const auto key = binding->object("keySecretRef")) account.hmac_key = read_key_ref(*key, "");
    acme.external_account = std::move(account);
  }
  for (const ObjectFields& solver : fields.objects("solvers")) acme.solvers.push_back(read_solver(solver));
  // As it was before cert-manager 0.8.
  if (acme.solvers.empty() && fields.has("http01")) acme.solvers.push_back({.selector = {}, .way = Http01Solver{}});
  return acme;
}

void read_spec(const ObjectFields& spec, IssuerObject& issuer) {
  if (const auto acme = spec.object("acme")) {
    issuer.spec = read_acme(*acme);
  } else if (const auto ca = spec.object("ca")) {
    issuer.spec = CaIssuerSpec{ca->required_text("secretName")};
  } else if (spec.has("selfSigned")) {
    issuer.spec = SelfSignedIssuerSpec{};
  } else if (spec.has("server")) {
    issuer.spec = read_acme(spec);
  } else {
    const bool vault = spec.has("vault");
    const bool venafi = spec.has("venafi");
    if (!vault && !venafi) spec.refuse("acme", "nothing", "acme, ca or selfSigned");
    issuer.spec = ForeignIssuerSpec{vault ? "vault" : "venafi"};
  }
}

bool in_zone(std::string_view name, std::string_view zone) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  while (zone.starts_with('.')) zone.remove_prefix(1);
  if (name == zone) return true;
  return name.size() > zone.size() && name.ends_with(zone) && name[name.size() - zone.size() - 1] == '.';
}

// How well it fits: by name, by the length of its zone, by labels. None: not at all.
using Fit = std::tuple<bool, std::size_t, std::size_t>;
std::optional<Fit> fit_of(const SolverSelector& selector, const std::string& name,
                          const std::map<std::string, std::string>& labels) {
  for (const auto& [key, value] : selector.labels) {
    const auto label = labels.find(key);
    if (label == labels.end() || label->second != value) return std::nullopt;
  }
  const bool named = std::ranges::find(selector.dns_names, name) != selector.dns_names.end();
  if (!named && !selector.dns_names.empty()) return std::nullopt;
  std::size_t zone_length = 0;
  for (const std::string& zone : selector.dns_zones) {
    if (in_zone(name, zone)) zone_length = std::max(zone_length, zone.size());
  }
  if (zone_length == 0 && !selector.dns_zones.empty()) return std::nullopt;
  return Fit{named, zone_length, selector.labels.size()};
}

}  // namespace

const SecretKeyRef* ChallengeSolver::secret() const {
  if (const auto* rfc2136 = std::get_if<Rfc2136Solver>(&way)) return rfc2136->secret ? &*rfc2136->secret : nullptr;
  if (const auto* azure = std::get_if<AzureDnsSolver>(&way)) return azure->secret ? &*azure->secret : nullptr;
  return nullptr;
}

bool ChallengeSolver::by_dns() const {
  if (const auto* foreign = std::get_if<ForeignSolver>(&way)) return !foreign->provider.starts_with("http01");
  return !std::holds_alternative<Http01Solver>(way);
}

IssuerObject read_issuer_beside_spec(const Resource& resource, const nlohmann::json& object,
                                     const ObjectFields& fields) {
  IssuerObject issuer;
  issuer.metadata = read_metadata(fields, resource.scope);
  issuer.reference = reference_to(resource, issuer.metadata);
  issuer.generation = generation_of(object);
  const auto* status = fields.find("status");
  issuer.status = status != nullptr && status->is_object() ? *status : nlohmann::json::object();
  return issuer;
}

ObjectRead<IssuerObject> read_issuer(const Resource& resource, const nlohmann::json& object) {
  ObjectFaults faults;
  const ObjectFields fields(object, "", faults);
  IssuerObject issuer = read_issuer_beside_spec(resource, object, fields);
  if (const auto spec = fields.object("spec")) {
    read_spec(*spec, issuer);
  } else {
    fields.refuse("spec", "nothing", "a mapping");
  }
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return issuer;
}

const ChallengeSolver* choose_solver(const std::vector<ChallengeSolver>& solvers, const std::string& name,
                                     const std::map<std::string, std::string>& labels) {
  const ChallengeSolver* best = nullptr;
  Fit best_fit;
  for (const ChallengeSolver& solver : solvers) {
    if (name.starts_with("*.") && !solver.by_dns()) continue;
    const auto fit = fit_of(solver.selector, name, labels);
    if (!fit || (best != nullptr && *fit <= best_fit)) continue;
    best = &solver;
    best_fit = *fit;
  }
  return best;
}

std::int64_t generation_of(const nlohmann::json& object) {
  const auto at = nlohmann::json::json_pointer("/metadata/generation");
  if (!object.is_object() || !object.contains(at) || !object[at].is_number_integer()) return 0;
  return object[at].get<std::int64_t>();
}

}  // namespace kube
