#include "kube/annotation_values.h"
#include "kube/annotations.h"

namespace kube {
namespace {

constexpr auto works = AnnotationRow::Support::works;

config::Read<void> nothing_more(std::string_view /*value*/, IngressSettings& /*settings*/) {
  return {};
}

// "tells" cert-manager to make a certificate with the issuer that it was started with.
config::Read<void> set_tls_acme(std::string_view value, IngressSettings& settings) {
  const auto wanted = parse_flag(value);
  if (!wanted) return std::unexpected(wanted.error());
  settings.wants_certificates = settings.wants_certificates || *wanted;
  return {};
}

constexpr AnnotationRow rows[] = {
    {"ingress.class", works, nothing_more},  // kube/class_rules.h has read it
    {"tls-acme", works, set_tls_acme},
    {"ingress.allow-http", AnnotationRow::Support::unsupported, nullptr,
     "name listeners that are not plain in the configuration, or redirect with "
     "nginx.ingress.kubernetes.io/force-ssl-redirect"},
};

}  // namespace

AnnotationRows kubernetes_annotations() {
  return rows;
}

}  // namespace kube
