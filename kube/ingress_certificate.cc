#include "kube/ingress_certificate.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "acme/identifier.h"
#include "acme/json_fields.h"
#include "base/json.h"

namespace kube {
namespace {

// All fields of the spec that an Ingress decides.
constexpr const char* fields[] = {"dnsNames",
                                  "ipAddresses",
                                  "emailAddresses",
                                  "uris",
                                  "commonName",
                                  "secretName",
                                  "issuerRef",
                                  "usages",
                                  "duration",
                                  "renewBefore",
                                  "renewBeforePercentage",
                                  "privateKey",
                                  "subject",
                                  "revisionHistoryLimit",
                                  "secretTemplate"};

// As Go writes durations, so that a spec that is read back compares equal.
std::string go_duration(std::chrono::seconds duration) {
  const auto all = duration.count();
  if (all >= 3600) return fmt::format("{}h{}m{}s", all / 3600, all / 60 % 60, all % 60);
  return fmt::format("{}m{}s", all / 60, all % 60);
}

void set(nlohmann::json& object, const char* name, const std::string& value) {
  if (!value.empty()) object[name] = value;
}
void set(nlohmann::json& object, const char* name, const std::vector<std::string>& values) {
  if (!values.empty()) object[name] = values;
}

nlohmann::json subject_of(const CertificateSubject& subject) {
  nlohmann::json object = nlohmann::json::object();
  set(object, "organizations", subject.organizations);
  set(object, "organizationalUnits", subject.organizational_units);
  set(object, "countries", subject.countries);
  set(object, "provinces", subject.provinces);
  set(object, "localities", subject.localities);
  set(object, "postalCodes", subject.postal_codes);
  set(object, "streetAddresses", subject.street_addresses);
  set(object, "serialNumber", subject.serial_number);
  return object;
}

nlohmann::json key_of(const WantedKey& key) {
  nlohmann::json object = nlohmann::json::object();
  set(object, "algorithm", key.algorithm);
  set(object, "encoding", key.encoding);
  set(object, "rotationPolicy", key.rotation_policy);
  if (key.size != 0) object["size"] = key.size;
  return object;
}

nlohmann::json spec_for(const WantedCertificate& wanted) {
  std::vector<std::string> names;
  std::vector<std::string> addresses = wanted.addresses;
  for (const std::string& host : wanted.hosts) {
    const bool address = acme::identifier_of(host).type == acme::Identifier::Type::ip;
    (address ? addresses : names).push_back(host);
  }
  nlohmann::json spec{
      {"secretName", wanted.secret.name},
      {"issuerRef",
       {{"name", wanted.issuer.name},
        {"kind", wanted.issuer.kind.empty() ? "Issuer" : wanted.issuer.kind},
        {"group", wanted.issuer.group.empty() ? "cert-manager.io" : wanted.issuer.group}}},
      {"usages",
       wanted.usages.empty() ? std::vector<std::string>{"digital signature", "key encipherment"} : wanted.usages}};
  set(spec, "dnsNames", names);
  set(spec, "ipAddresses", addresses);
  set(spec, "emailAddresses", wanted.emails);
  set(spec, "uris", wanted.uris);
  set(spec, "commonName", wanted.common_name);
  if (wanted.duration) spec["duration"] = go_duration(*wanted.duration);
  if (wanted.renew_before) spec["renewBefore"] = go_duration(*wanted.renew_before);
  if (wanted.renew_before_percentage) spec["renewBeforePercentage"] = *wanted.renew_before_percentage;
  if (auto subject = subject_of(wanted.subject); !subject.empty()) spec["subject"] = std::move(subject);
  if (auto key = key_of(wanted.key); !key.empty()) spec["privateKey"] = std::move(key);
  if (wanted.revision_history_limit) spec["revisionHistoryLimit"] = *wanted.revision_history_limit;
  if (auto secret = base::parse_json(wanted.secret_template); secret.is_object()) {
    spec["secretTemplate"] = std::move(secret);
  }
  return spec;
}

bool is_owned_by(const CertificateObject& certificate, const ObjectRef& owner) {
  return std::ranges::any_of(certificate.owners, [&](const nlohmann::json& each) {
    const std::string* uid = acme::text_member(each, "uid");
    return uid != nullptr && *uid == owner.uid;
  });
}

}  // namespace

nlohmann::json certificate_for(const WantedCertificate& wanted) {
  return {{"apiVersion", "cert-manager.io/v1"},
          {"kind", "Certificate"},
          {"metadata",
           {{"name", wanted.secret.name},
            {"namespace", wanted.secret.name_space},
            {"labels", {{"app.kubernetes.io/managed-by", "sekisho"}}},
            {"ownerReferences",
             {{{"apiVersion", wanted.ingress.api_version},
               {"kind", wanted.ingress.kind},
               {"name", wanted.ingress.name.name},
               {"uid", wanted.ingress.uid},
               {"controller", true},
               {"blockOwnerDeletion", true}}}}}},
          {"spec", spec_for(wanted)}};
}

IngressCertificateStep step_for(const WantedCertificate& wanted, const CertificateObject* there) {
  if (there == nullptr) return IngressCertificateStep::create;
  if (!is_owned_by(*there, wanted.ingress)) return IngressCertificateStep::not_ours;
  return patch_for(wanted, *there).is_null() ? IngressCertificateStep::nothing : IngressCertificateStep::update;
}

nlohmann::json patch_for(const WantedCertificate& wanted, const CertificateObject& there) {
  const nlohmann::json spec = spec_for(wanted);
  nlohmann::json patch = nlohmann::json::object();
  for (const char* field : fields) {
    const bool now = spec.contains(field);
    const bool before = there.spec.contains(field);
    if (now && (!before || there.spec[field] != spec[field])) patch[field] = spec[field];
    if (!now && before) patch[field] = nullptr;
  }
  if (patch.empty()) return nullptr;
  return {{"spec", std::move(patch)}};
}

std::optional<ObjectRef> ingress_of(const CertificateObject& certificate) {
  for (const nlohmann::json& owner : certificate.owners) {
    const std::string* kind = acme::text_member(owner, "kind");
    if (kind == nullptr || *kind != "Ingress" || !acme::flag_member(owner, "controller")) continue;
    const auto text = [&](const char* key) {
      const std::string* value = acme::text_member(owner, key);
      return value == nullptr ? std::string() : *value;
    };
    return ObjectRef{text("apiVersion"), *kind, {certificate.metadata.name.name_space, text("name")}, text("uid")};
  }
  return std::nullopt;
}

bool is_made_here(const CertificateObject& certificate) {
  const auto label = certificate.metadata.labels.find("app.kubernetes.io/managed-by");
  return label != certificate.metadata.labels.end() && label->second == "sekisho";
}

}  // namespace kube
