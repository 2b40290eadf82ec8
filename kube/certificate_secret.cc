#include "kube/certificate_secret.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "acme/identifier.h"
#include "acme/json_fields.h"
#include "acme/target.h"
#include "base/base64.h"
#include "base/openssl.h"
#include "certstore/secret_bytes.h"
#include "kube/annotation_values.h"
#include "kube/own_labels.h"
#include "kube/secret.h"

namespace kube {
namespace {

constexpr auto prefix = "cert-manager.io/";
constexpr auto own_label = "sekisho.io/certificate";

std::string_view text_of(const certstore::SecretBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// "RSA PRIVATE KEY" or "EC PRIVATE KEY", which is what PKCS1 means to cert-manager.
base::Result<std::string> traditional_key(const certstore::Certificate& issued) {
  const auto* material = issued.material();
  const std::unique_ptr<BIO, base::Freed<BIO_free_all>> memory(BIO_new(BIO_s_secmem()));
  if (material == nullptr || !memory ||
      PEM_write_bio_PrivateKey_traditional(memory.get(), material->key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return base::fail(base::Code::internal, "the private key cannot be written: " + base::take_openssl_error());
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

std::vector<std::string> names_of(const CertificateObject& certificate, acme::Identifier::Type type) {
  std::vector<std::string> names;
  for (const std::string& host : certificate.hosts()) {
    if (acme::identifier_of(host).type == type) names.push_back(host);
  }
  return names;
}

nlohmann::json metadata_for(const CertificateObject& certificate) {
  nlohmann::json annotations = certificate.secret_annotations;
  if (!annotations.is_object()) annotations = nlohmann::json::object();
  const auto set = [&](const char* name, std::string value) { annotations[std::string(prefix) + name] = value; };
  set("alt-names", fmt::format("{}", fmt::join(names_of(certificate, acme::Identifier::Type::dns), ",")));
  set("ip-sans", fmt::format("{}", fmt::join(names_of(certificate, acme::Identifier::Type::ip), ",")));
  set("uri-sans", "");
  set("certificate-name", certificate.metadata.name.name);
  set("common-name", certificate.common_name);
  set("issuer-name", certificate.issuer.name);
  set("issuer-kind", certificate.issuer.kind);
  set("issuer-group", certificate.issuer.group);
  nlohmann::json labels = certificate.secret_labels;
  if (!labels.is_object()) labels = nlohmann::json::object();
  labels["controller.cert-manager.io/fao"] = "true";
  labels[own_label] = "true";
  // The owner of the Certificate may think otherwise.
  if (!labels.contains(kube::labels::backup)) labels[kube::labels::backup] = "true";
  return {{"name", certificate.secret_name},
          {"namespace", certificate.metadata.name.name_space},
          {"annotations", std::move(annotations)},
          {"labels", std::move(labels)}};
}

std::optional<std::string> annotation_of(const Metadata& metadata, const char* name) {
  const auto found = metadata.annotations.find(std::string(prefix) + name);
  if (found == metadata.annotations.end()) return std::nullopt;
  return found->second;
}

std::optional<Refusal> wrong_issuer(const CertificateObject& certificate, const Metadata& metadata) {
  const auto name = annotation_of(metadata, "issuer-name");
  if (!name) return std::nullopt;  // somebody put it there by hand
  const IssuerRef before{*name, annotation_of(metadata, "issuer-kind").value_or("Issuer"),
                         annotation_of(metadata, "issuer-group").value_or("cert-manager.io")};
  IssuerRef now = before;
  if (now.group.empty()) now.group = "cert-manager.io";
  if (now.kind.empty()) now.kind = "Issuer";
  if (now == certificate.issuer) return std::nullopt;
  return Refusal{"IncorrectIssuer",
                 fmt::format("Issuing certificate as Secret was previously issued by {}", to_string(now))};
}

std::optional<Refusal> wrong_key(const CertificateObject& certificate, const certstore::Certificate& there) {
  const bool ecdsa = certificate.key.algorithm == "ECDSA";
  if (ecdsa != (there.facts().key_type == certstore::KeyType::ecdsa)) {
    return Refusal{"SecretMismatch", "Existing private key is not up to date for spec: [spec.privateKey.algorithm]"};
  }
  const auto* material = there.material();
  if (certificate.key.size == 0 || material == nullptr) return std::nullopt;
  if (EVP_PKEY_get_bits(material->key.get()) == static_cast<int>(certificate.key.size)) return std::nullopt;
  return Refusal{"SecretMismatch", "Existing private key is not up to date for spec: [spec.privateKey.size]"};
}

// What sekisho wrote is for exactly the names of then; what another did has to be for all names of now.
std::optional<Refusal> wrong_names(const CertificateObject& certificate, const Metadata& metadata,
                                   const certstore::Certificate& there) {
  const Refusal wrong{"SecretMismatch",
                      "Issuing certificate as Existing issued Secret is not up to date for spec: [spec.dnsNames]"};
  const std::vector<std::string> hosts = certificate.hosts();
  if (!acme::covers(there.facts(), acme::identifiers_of(hosts))) return wrong;
  if (!metadata.labels.contains(own_label)) return std::nullopt;
  std::set<std::string> before;
  for (const auto* annotation : {"alt-names", "ip-sans"}) {
    for (std::string& name : parse_list(annotation_of(metadata, annotation).value_or("")))
      before.insert(std::move(name));
  }
  if (before == std::set<std::string>(hosts.begin(), hosts.end())) return std::nullopt;
  return wrong;
}

}  // namespace

base::Result<nlohmann::json> secret_for(const CertificateObject& certificate, const certstore::Certificate& issued,
                                        const std::string& ca_pem, const std::string& type_there) {
  auto key =
      certificate.key.encoding == "PKCS8" ? base::Result<std::string>(issued.key_pem()) : traditional_key(issued);
  if (!key) return std::unexpected(std::move(key.error()));
  const certstore::WipedAtEnd wiped(*key);
  nlohmann::json data{{"tls.crt", base::to_base64(issued.chain_pem())}, {"tls.key", base::to_base64(*key)}};
  if (!ca_pem.empty()) data["ca.crt"] = base::to_base64(ca_pem);
  return nlohmann::json{{"apiVersion", "v1"},
                        {"kind", "Secret"},
                        {"metadata", metadata_for(certificate)},
                        {"type", type_there.empty() ? "kubernetes.io/tls" : type_there},
                        {"data", std::move(data)}};
}

SecretSight look_at_secret(const CertificateObject& certificate, const nlohmann::json& secret) {
  const auto violated = [](const char* reason, std::string message) {
    return SecretSight{nullptr, Refusal{reason, std::move(message)}};
  };
  if (secret.is_null()) return violated("DoesNotExist", "Issuing certificate as Secret does not exist");
  const auto read = read_secret(secret);
  if (!read) return violated("InvalidCertificate", "Issuing certificate as Secret cannot be read");
  if (read->certificate.empty() && read->key.empty()) {
    return violated("MissingData", "Issuing certificate as Secret does not contain any data");
  }
  if (read->key.empty()) {
    return violated("MissingData", "Issuing certificate as Secret does not contain a private key");
  }
  if (read->certificate.empty()) {
    return violated("MissingData", "Issuing certificate as Secret does not contain a certificate");
  }
  auto there = certstore::Certificate::from_pem(text_of(read->certificate), text_of(read->key));
  if (!there) {
    return violated("InvalidKeyPair", "Issuing certificate as Secret contains an invalid key-pair: " +
                                          acme::shown(there.error().what, 300));
  }
  SecretSight sight{std::move(*there), std::nullopt};
  sight.violation = wrong_key(certificate, *sight.certificate);
  if (!sight.violation) sight.violation = wrong_issuer(certificate, read->metadata);
  if (!sight.violation) sight.violation = wrong_names(certificate, read->metadata, *sight.certificate);
  return sight;
}

}  // namespace kube
