#include "kube/certificate_object.h"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "config/host_names.h"
#include "kube/annotation_values.h"
#include "kube/issuer_object.h"

namespace kube {
namespace {

constexpr auto longest_common_name = 64U;  // RFC 5280 A.1: ub-common-name
constexpr std::size_t most_names = 100;    // as public CAs have it; one that has more is several

IssuerRef read_issuer_ref(const ObjectFields& spec) {
  IssuerRef issuer;
  if (const auto fields = spec.object("issuerRef")) {
    issuer = {fields->required_text("name"), fields->text("kind"), fields->text("group")};
  } else {
    spec.refuse("issuerRef", "nothing", "an issuer");
  }
  if (issuer.kind.empty()) issuer.kind = "Issuer";
  if (issuer.group.empty()) issuer.group = "cert-manager.io";
  return issuer;
}

std::optional<std::chrono::seconds> read_duration(const ObjectFields& fields, std::string_view key,
                                                  std::chrono::seconds least, std::string_view expected) {
  const std::string text = fields.text(key);
  if (text.empty()) return std::nullopt;
  const auto read = parse_go_duration(text);
  if (read && *read >= least) return *read;
  fields.refuse(key, "`" + text.substr(0, 40) + "`", std::string(expected));
  return std::nullopt;
}

std::optional<unsigned> read_number(const ObjectFields& fields, std::string_view key, unsigned most) {
  const nlohmann::json* value = fields.find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_integer() && value->get<std::int64_t>() >= 0 && value->get<std::int64_t>() <= most) {
    return static_cast<unsigned>(value->get<std::int64_t>());
  }
  fields.refuse(key, "another value", fmt::format("a number up to {}", most));
  return std::nullopt;
}

WantedKey read_key(const ObjectFields& spec) {
  const auto fields = spec.object("privateKey");
  if (!fields) return {};
  return {.algorithm = fields->text("algorithm"),
          .encoding = fields->text("encoding"),
          .size = read_number(*fields, "size", 16384).value_or(0),
          .rotation_policy = fields->text("rotationPolicy")};
}

// What sekisho cannot do, by how much it matters.
void read_unsupported(const ObjectFields& spec, CertificateObject& certificate) {
  for (const auto* field : {"emailAddresses", "uris", "otherNames", "literalSubject", "nameConstraints"}) {
    if (spec.has(field) && !spec.find(field)->empty()) certificate.refused.emplace_back(field);
  }
  if (spec.boolean("isCA").value_or(false)) certificate.refused.emplace_back("isCA");
  for (const auto* field : {"keystores", "additionalOutputFormats", "subject", "signatureAlgorithm", "renewal"}) {
    if (spec.has(field) && !spec.find(field)->empty()) certificate.ignored.emplace_back(field);
  }
}

void read_spec(const ObjectFields& spec, CertificateObject& certificate) {
  certificate.secret_name = spec.required_text("secretName");
  certificate.dns_names = spec.texts("dnsNames");
  certificate.addresses = spec.texts("ipAddresses");
  certificate.common_name = spec.text("commonName");
  certificate.issuer = read_issuer_ref(spec);
  certificate.duration = read_duration(spec, "duration", std::chrono::hours(1), "a duration of at least 1h");
  certificate.renew_before = read_duration(spec, "renewBefore", std::chrono::minutes(5), "a duration of at least 5m");
  certificate.renew_before_percentage = read_number(spec, "renewBeforePercentage", 99);
  certificate.key = read_key(spec);
  certificate.usages = spec.texts("usages");
  if (const auto metadata = spec.object("secretTemplate")) {
    certificate.secret_labels = metadata->text_map("labels");
    certificate.secret_annotations = metadata->text_map("annotations");
  }
  read_unsupported(spec, certificate);
  if (const auto names = certificate.dns_names.size() + certificate.addresses.size(); names > most_names) {
    spec.refuse("dnsNames", fmt::format("{} names", names), fmt::format("at most {}", most_names));
    return;
  }
  for (const std::string& name : certificate.dns_names) {
    if (!config::parse_host_pattern(name)) spec.refuse("dnsNames", "`" + name.substr(0, 80) + "`", "host names");
  }
  for (const std::string& address : certificate.addresses) {
    if (!config::is_ip_address(address)) spec.refuse("ipAddresses", "`" + address.substr(0, 80) + "`", "addresses");
  }
  if (certificate.common_name.size() > longest_common_name) {
    spec.refuse("commonName", "a longer one", "at most 64 characters");
  }
  if (certificate.renew_before && certificate.renew_before_percentage) {
    spec.refuse("renewBefore", "renewBeforePercentage beside it", "one of the two");
  }
  if (certificate.hosts().empty() && certificate.refused.empty()) {
    spec.refuse("dnsNames", "no name at all", "dnsNames, ipAddresses or commonName");
  }
}

}  // namespace

std::vector<std::string> CertificateObject::hosts() const {
  std::vector<std::string> all;
  std::set<std::string> there;
  const auto add = [&](std::string name) {
    if (there.insert(name).second) all.push_back(std::move(name));
  };
  for (const std::string& name : dns_names) {
    if (auto host = config::parse_host_pattern(name)) add(std::move(*host));
  }
  // A common name that is no host name is for people.
  if (common_name.contains('.')) {
    if (auto host = config::parse_host_pattern(common_name)) add(std::move(*host));
  }
  for (const std::string& address : addresses) {
    if (config::is_ip_address(address)) add(address);
  }
  return all;
}

ObjectRead<CertificateObject> read_certificate(const nlohmann::json& object) {
  ObjectFaults faults;
  const ObjectFields fields(object, "", faults);
  CertificateObject certificate;
  certificate.metadata = read_metadata(fields, Resource::Scope::namespaced);
  certificate.reference = reference_to(resources::certificates, certificate.metadata);
  certificate.generation = generation_of(object);
  certificate.owners = nlohmann::json::array();
  const auto at = nlohmann::json::json_pointer("/metadata/ownerReferences");
  if (object.is_object() && object.contains(at) && object[at].is_array()) certificate.owners = object[at];
  certificate.status = nlohmann::json::object();
  if (const auto* status = fields.find("status"); status != nullptr && status->is_object()) {
    certificate.status = *status;
  }
  if (const auto spec = fields.object("spec")) {
    certificate.spec = *fields.find("spec");
    read_spec(*spec, certificate);
  } else {
    fields.refuse("spec", "nothing", "a mapping");
  }
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return certificate;
}

std::string to_string(const IssuerRef& issuer) {
  return fmt::format("{}.{}/{}", issuer.kind, issuer.group, issuer.name);
}

}  // namespace kube
