// Annotations of an Ingress: tables of all that are known, by prefix; one row says what one does, or why it does
// nothing and what to do instead. None is silently ignored: a row without effect, a value that cannot be read and a
// name that is not known each become a Notice. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "config/host_names.h"
#include "kube/ingress_settings.h"
#include "kube/metadata.h"
#include "kube/notice.h"

namespace kube {

// Takes the value; the error says what was expected instead of it, and leaves the settings as they were.
using AnnotationEffect = config::Read<void> (*)(std::string_view value, IngressSettings& settings);

struct AnnotationRow {
  enum class Support : std::uint8_t {
    works,
    inert,        // has nothing to do here; the advice says why
    unsupported,  // the Ingress is served without it; the advice says what to do instead
    guard,        // keeps strangers out, so the Ingress is not served without it: 503
  };
  std::string_view name;  // behind the prefix
  Support support = Support::works;
  AnnotationEffect effect = nullptr;  // works, and no other
  std::string_view advice = {};       // a sentence's rest; of the others
};

using AnnotationRows = std::span<const AnnotationRow>;

struct AnnotationFamily {
  std::string_view prefix;  // "nginx.ingress.kubernetes.io/"
  std::vector<AnnotationRows> tables;
  enum class Names : std::uint8_t { all_known, others_too } names = Names::all_known;
  [[nodiscard]] const AnnotationRow* find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> known() const;
};

// nginx_route_annotations.cc, nginx_backend_annotations.cc, nginx_affinity_annotations.cc,
// nginx_unsupported_annotations.cc
[[nodiscard]] AnnotationRows nginx_route_annotations();
[[nodiscard]] AnnotationRows nginx_backend_annotations();
[[nodiscard]] AnnotationRows nginx_affinity_annotations();
[[nodiscard]] AnnotationRows nginx_unsupported_annotations();
// agic_annotations.cc
[[nodiscard]] AnnotationRows agic_annotations();
[[nodiscard]] AnnotationRows alb_annotations();
// cert_manager_annotations.cc
[[nodiscard]] AnnotationRows cert_manager_annotations();
[[nodiscard]] AnnotationRows acme_annotations();
[[nodiscard]] AnnotationRows old_cert_manager_annotations();
// kubernetes_annotations.cc
[[nodiscard]] AnnotationRows kubernetes_annotations();

[[nodiscard]] const std::vector<AnnotationFamily>& annotation_families();

// Applies all annotations of the families above, and says what is to be said about them, on `object`.
[[nodiscard]] std::vector<Notice> apply_annotations(const Metadata& metadata, const ObjectRef& object,
                                                    IngressSettings& settings);

}  // namespace kube
