// cert-manager's annotations on an Ingress, today's and those of its first years.
#include <algorithm>
#include <array>
#include <concepts>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/annotation_values.h"
#include "kube/annotations.h"

namespace kube {
namespace {

using config::Read;
constexpr auto works = AnnotationRow::Support::works;
constexpr auto inert = AnnotationRow::Support::inert;
constexpr auto unsupported = AnnotationRow::Support::unsupported;

Read<void> set_text(std::string_view value, std::string& into, std::string_view expected) {
  if (value.empty()) return std::unexpected(std::string(expected));
  into = value;
  return {};
}

Read<void> set_list(std::string_view value, std::vector<std::string>& into) {
  into = parse_list(value);
  if (into.empty()) return std::unexpected("values between commas");
  return {};
}

template <std::size_t size>
Read<void> set_word(std::string_view value, std::string& into, const std::array<std::string_view, size>& words) {
  if (std::ranges::find(words, value) != words.end()) {
    into = value;
    return {};
  }
  std::string expected = "one of";
  for (const std::string_view word : words) expected.append(&word == &words.front() ? " " : ", ").append(word);
  return std::unexpected(expected);
}

Read<void> set_issuer(std::string_view value, IngressSettings& settings, std::string_view kind) {
  if (value.empty()) return std::unexpected("the name of an issuer");
  IssuerRef& issuer = settings.certificate.issuer;
  if (!issuer.name.empty()) return std::unexpected("only one of issuer and cluster-issuer");
  settings.wants_certificates = true;
  issuer.name = value;
  // issuer-kind may have been read before; it is for `issuer` alone.
  if (kind == "ClusterIssuer" || issuer.kind.empty()) issuer.kind = kind;
  return {};
}

Read<void> set_issuer_name(std::string_view value, IngressSettings& settings) {
  return set_issuer(value, settings, "Issuer");
}
Read<void> set_cluster_issuer(std::string_view value, IngressSettings& settings) {
  return set_issuer(value, settings, "ClusterIssuer");
}
Read<void> set_issuer_kind(std::string_view value, IngressSettings& settings) {
  IssuerRef& issuer = settings.certificate.issuer;
  if (issuer.kind == "ClusterIssuer") return {};  // cluster-issuer has said it
  return set_text(value, issuer.kind, "a kind such as ClusterIssuer");
}
Read<void> set_issuer_group(std::string_view value, IngressSettings& settings) {
  return set_text(value, settings.certificate.issuer.group, "a group such as cert-manager.io");
}

Read<void> set_common_name(std::string_view value, IngressSettings& settings) {
  // RFC 5280 A.1: ub-common-name is 64.
  if (value.empty() || value.size() > 64) return std::unexpected("a name of at most 64 characters");
  settings.certificate.common_name = value;
  return {};
}

template <auto member>
Read<void> set_names(std::string_view value, IngressSettings& settings) {
  return set_list(value, settings.certificate.*member);
}

template <auto member>
Read<void> set_subject(std::string_view value, IngressSettings& settings) {
  auto& part = settings.certificate.subject.*member;
  if constexpr (std::same_as<std::remove_reference_t<decltype(part)>, std::string>) {
    return set_text(value, part, "a serial number");
  } else {
    return set_list(value, part);
  }
}

Read<void> set_duration(std::string_view value, IngressSettings& settings) {
  const auto duration = parse_go_duration(value);
  if (!duration) return std::unexpected(duration.error());
  if (*duration < std::chrono::hours(1)) return std::unexpected("at least 1h");
  settings.certificate.duration = *duration;
  return {};
}

Read<void> set_renew_before(std::string_view value, IngressSettings& settings) {
  const auto duration = parse_go_duration(value);
  if (!duration) return std::unexpected(duration.error());
  if (*duration < std::chrono::minutes(5)) return std::unexpected("at least 5m");
  settings.certificate.renew_before = *duration;
  return {};
}

Read<void> set_renew_before_percentage(std::string_view value, IngressSettings& settings) {
  const auto percent = parse_number(value, 1, 99);
  if (!percent) return std::unexpected(percent.error());
  settings.certificate.renew_before_percentage = static_cast<unsigned>(*percent);
  return {};
}

Read<void> set_usages(std::string_view value, IngressSettings& settings) {
  constexpr std::array<std::string_view, 23> known{"signing",
                                                   "digital signature",
                                                   "content commitment",
                                                   "key encipherment",
                                                   "key agreement",
                                                   "data encipherment",
                                                   "cert sign",
                                                   "crl sign",
                                                   "encipher only",
                                                   "decipher only",
                                                   "any",
                                                   "server auth",
                                                   "client auth",
                                                   "code signing",
                                                   "email protection",
                                                   "s/mime",
                                                   "ipsec end system",
                                                   "ipsec tunnel",
                                                   "ipsec user",
                                                   "timestamping",
                                                   "ocsp signing",
                                                   "microsoft sgc",
                                                   "netscape sgc"};
  std::vector<std::string> usages = parse_list(value);
  const bool valid = std::ranges::all_of(
      usages, [&](const std::string& usage) { return std::ranges::find(known, usage) != known.end(); });
  if (!valid || usages.empty())
    return std::unexpected("usages between commas, such as \"digital signature,server auth\"");
  settings.certificate.usages = std::move(usages);
  return {};
}

Read<void> set_key_algorithm(std::string_view value, IngressSettings& settings) {
  return set_word(value, settings.certificate.key.algorithm,
                  std::array<std::string_view, 3>{"RSA", "ECDSA", "Ed25519"});
}
Read<void> set_key_encoding(std::string_view value, IngressSettings& settings) {
  return set_word(value, settings.certificate.key.encoding, std::array<std::string_view, 2>{"PKCS1", "PKCS8"});
}
Read<void> set_rotation(std::string_view value, IngressSettings& settings) {
  return set_word(value, settings.certificate.key.rotation_policy, std::array<std::string_view, 2>{"Never", "Always"});
}

Read<void> set_key_size(std::string_view value, IngressSettings& settings) {
  constexpr std::array<std::uint64_t, 6> sizes{256, 384, 521, 2048, 3072, 4096};
  const auto size = parse_number(value, 256, 4096);
  if (!size || std::ranges::find(sizes, *size) == sizes.end()) {
    return std::unexpected("256, 384 or 521 of ECDSA; 2048, 3072 or 4096 of RSA");
  }
  settings.certificate.key.size = static_cast<unsigned>(*size);
  return {};
}

Read<void> set_history(std::string_view value, IngressSettings& settings) {
  const auto limit = parse_number(value, 1, 1'000'000);
  if (!limit) return std::unexpected(limit.error());
  settings.certificate.revision_history_limit = static_cast<unsigned>(*limit);
  return {};
}

Read<void> set_temporary(std::string_view value, IngressSettings& settings) {
  const auto wanted = parse_flag(value);
  if (!wanted) return std::unexpected(wanted.error());
  settings.certificate.issue_temporary = *wanted;
  return {};
}

Read<void> set_secret_template(std::string_view value, IngressSettings& settings) {
  const auto parsed = base::parse_json(value);
  if (!parsed.is_object()) return std::unexpected("JSON with annotations and labels");
  settings.certificate.secret_template = value;
  return {};
}

Read<void> set_http01_class(std::string_view value, IngressSettings& settings) {
  return set_text(value, settings.certificate.http01.ingress_class, "the name of a class");
}
Read<void> set_http01_class_name(std::string_view value, IngressSettings& settings) {
  return set_text(value, settings.certificate.http01.ingress_class_name, "the name of an IngressClass");
}
Read<void> set_edit_in_place(std::string_view value, IngressSettings& settings) {
  const auto wanted = parse_flag(value);
  if (!wanted) return std::unexpected(wanted.error());
  settings.certificate.http01.edit_in_place = *wanted;
  return {};
}

using W = WantedCertificate;
using S = CertificateSubject;
constexpr std::string_view for_gateways = "it is for Gateways; an Ingress has no parent";

constexpr AnnotationRow rows[] = {
    {"issuer", works, set_issuer_name},
    {"cluster-issuer", works, set_cluster_issuer},
    {"issuer-kind", works, set_issuer_kind},
    {"issuer-group", works, set_issuer_group},
    {"common-name", works, set_common_name},
    {"email-sans", works, set_names<&W::emails>},
    {"ip-sans", works, set_names<&W::addresses>},
    {"uri-sans", works, set_names<&W::uris>},
    {"alt-names", inert, nullptr, "cert-manager writes it on Secrets; names come from spec.tls"},
    {"subject-organizations", works, set_subject<&S::organizations>},
    {"subject-organizationalunits", works, set_subject<&S::organizational_units>},
    {"subject-countries", works, set_subject<&S::countries>},
    {"subject-provinces", works, set_subject<&S::provinces>},
    {"subject-localities", works, set_subject<&S::localities>},
    {"subject-postalcodes", works, set_subject<&S::postal_codes>},
    {"subject-streetaddresses", works, set_subject<&S::street_addresses>},
    {"subject-serialnumber", works, set_subject<&S::serial_number>},
    {"duration", works, set_duration},
    {"renew-before", works, set_renew_before},
    {"renew-before-percentage", works, set_renew_before_percentage},
    {"usages", works, set_usages},
    {"revision-history-limit", works, set_history},
    {"private-key-algorithm", works, set_key_algorithm},
    {"private-key-encoding", works, set_key_encoding},
    {"private-key-size", works, set_key_size},
    {"private-key-rotation-policy", works, set_rotation},
    {"secret-template", works, set_secret_template},
    {"issue-temporary-certificate", works, set_temporary},
    {"ignore-tls-listeners", inert, nullptr, for_gateways},
};

constexpr AnnotationRow acme_rows[] = {
    {"http01-ingress-class", works, set_http01_class},
    {"http01-ingress-ingressclassname", works, set_http01_class_name},
    {"http01-edit-in-place", works, set_edit_in_place},
    {"http01-parentrefname", inert, nullptr, for_gateways},
    {"http01-parentrefkind", inert, nullptr, for_gateways},
    {"http01-parentreffallback", inert, nullptr, for_gateways},
};

constexpr std::string_view solvers_decide =
    "the solvers of the issuer decide which challenge is used since cert-manager 0.8";

constexpr AnnotationRow old_rows[] = {
    {"issuer", works, set_issuer_name},
    {"cluster-issuer", works, set_cluster_issuer},
    {"issuer-kind", works, set_issuer_kind},
    {"common-name", works, set_common_name},
    {"acme-challenge-type", inert, nullptr, solvers_decide},
    {"acme-dns01-provider", inert, nullptr, solvers_decide},
    {"acme-http01-edit-in-place", works, set_edit_in_place},
    {"acme-http01-ingress-class", works, set_http01_class},
    {"certificate-name", unsupported, nullptr, "the Certificate has the name of the Secret in spec.tls"},
};

}  // namespace

AnnotationRows cert_manager_annotations() {
  return rows;
}

AnnotationRows acme_annotations() {
  return acme_rows;
}

AnnotationRows old_cert_manager_annotations() {
  return old_rows;
}

}  // namespace kube
