#include "kube/annotations.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "config/faults.h"

namespace kube {
namespace {

using Support = AnnotationRow::Support;

// A feature that is switched off is one that nobody misses.
bool asks_for_nothing(std::string_view value) {
  return value.empty() || value == "false" || value == "off" || value == "0";
}

Notice notice_on(const ObjectRef& object, NoticeType type, const char* reason, std::string message) {
  return {object, type, reason, std::move(message)};
}

std::optional<Notice> apply(const AnnotationRow& row, const std::string& name, const std::string& value,
                            const ObjectRef& object, IngressSettings& settings) {
  if (row.support == Support::works) {
    const auto taken = row.effect(value, settings);
    if (taken) return std::nullopt;
    return notice_on(
        object, NoticeType::warning, reasons::invalid_annotation,
        fmt::format("annotation {} is ignored: found {}, expected {}", name, config::quote(value), taken.error()));
  }
  if (asks_for_nothing(value)) return std::nullopt;
  if (row.support == Support::inert) {
    return notice_on(object, NoticeType::normal, reasons::inert_annotation,
                     fmt::format("annotation {} has nothing to do here: {}", name, row.advice));
  }
  if (row.support == Support::guard) {
    settings.guards.push_back(name);
    return notice_on(
        object, NoticeType::warning, reasons::unsupported_annotation,
        fmt::format("annotation {} restricts who gets in and is not supported, so this Ingress is answered "
                    "with 503 while it is there: {}",
                    name, row.advice));
  }
  return notice_on(object, NoticeType::warning, reasons::unsupported_annotation,
                   fmt::format("annotation {} is not supported and ignored: {}", name, row.advice));
}

std::optional<Notice> apply_from(const AnnotationFamily& family, const std::string& name, const std::string& value,
                                 const ObjectRef& object, IngressSettings& settings) {
  const std::string_view short_name = std::string_view(name).substr(family.prefix.size());
  if (const AnnotationRow* row = family.find(short_name)) return apply(*row, name, value, object, settings);
  if (family.names == AnnotationFamily::Names::others_too) return std::nullopt;
  const std::string_view meant = config::nearest(short_name, family.known());
  return notice_on(
      object, NoticeType::warning, reasons::unknown_annotation,
      fmt::format("annotation {} is not known and ignored{}", config::quote(name),
                  meant.empty() ? std::string() : fmt::format(" (did you mean `{}{}`?)", family.prefix, meant)));
}

}  // namespace

const AnnotationRow* AnnotationFamily::find(std::string_view name) const {
  for (const AnnotationRows table : tables) {
    const auto found = std::ranges::find(table, name, &AnnotationRow::name);
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

std::vector<std::string_view> AnnotationFamily::known() const {
  std::vector<std::string_view> names_known;
  for (const AnnotationRows table : tables) {
    for (const AnnotationRow& row : table) names_known.push_back(row.name);
  }
  return names_known;
}

const std::vector<AnnotationFamily>& annotation_families() {
  static const std::vector<AnnotationFamily> families{
      {"nginx.ingress.kubernetes.io/",
       {nginx_route_annotations(), nginx_backend_annotations(), nginx_affinity_annotations(),
        nginx_unsupported_annotations()}},
      {"appgw.ingress.kubernetes.io/", {agic_annotations()}},
      {"alb.networking.azure.io/", {alb_annotations()}},
      {"cert-manager.io/", {cert_manager_annotations()}},
      {"acme.cert-manager.io/", {acme_annotations()}},
      {"certmanager.k8s.io/", {old_cert_manager_annotations()}},
      {"kubernetes.io/", {kubernetes_annotations()}, AnnotationFamily::Names::others_too},
  };
  return families;
}

std::vector<Notice> apply_annotations(const Metadata& metadata, const ObjectRef& object, IngressSettings& settings) {
  std::vector<Notice> notices;
  for (const auto& [name, value] : metadata.annotations) {
    for (const AnnotationFamily& family : annotation_families()) {
      if (!name.starts_with(family.prefix)) continue;
      if (auto notice = apply_from(family, name, value, object, settings)) notices.push_back(std::move(*notice));
      break;
    }
  }
  if (settings.sticky) settings.backend.rules.affinity = settings.affinity_cookie;
  return notices;
}

}  // namespace kube
