#include "kube/class_rules.h"

#include <algorithm>

namespace kube {
namespace {

Dialect dialect_of(std::string_view name, std::string_view controller) {
  const auto of_azure = [](std::string_view text) {
    return text.starts_with("azure/") || text.starts_with("azure-") || text.contains(".azure.");
  };
  return of_azure(name) || of_azure(controller) ? Dialect::application_gateway : Dialect::nginx;
}

}  // namespace

std::string ClassRules::class_of(const Ingress& ingress) {
  const auto annotation = ingress.metadata.annotations.find("kubernetes.io/ingress.class");
  if (annotation != ingress.metadata.annotations.end() && !annotation->second.empty()) return annotation->second;
  return ingress.class_name.value_or("");
}

void ClassRules::upsert(const IngressClass& ingress_class) {
  classes_[ingress_class.metadata.name.name] = ingress_class;
}

void ClassRules::remove(const std::string& name) {
  classes_.erase(name);
}

bool ClassRules::taken_over(const std::string& name) const {
  return std::ranges::find(options_.taken_over, name) != options_.taken_over.end();
}

std::optional<Dialect> ClassRules::serves(const std::string& name) const {
  if (!name.empty()) {
    const auto found = classes_.find(name);
    const bool known = found != classes_.end();
    const bool ours = taken_over(name) || (known && found->second.controller == options_.controller);
    if (!ours) return std::nullopt;
    return dialect_of(name, known ? std::string_view(found->second.controller) : std::string_view());
  }
  for (const auto& [class_name, ingress_class] : classes_) {
    if (ingress_class.is_default) return serves(class_name);
  }
  if (options_.unclassed == Options::Unclassed::served) return Dialect::nginx;
  return std::nullopt;
}

}  // namespace kube
