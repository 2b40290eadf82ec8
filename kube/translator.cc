#include "kube/translator.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace kube {
namespace {

constexpr auto default_key = "default backend";

std::optional<config::Route> route_to_default(const std::optional<Translator::DefaultBackend>& backend) {
  if (!backend) return std::nullopt;
  return config::Route{.action = config::ToBackend{.backend = default_key}};
}

std::string giver(const Resource& resource, const ObjectName& name) {
  return std::string(resource.kind) + " " + to_string(name);
}

}  // namespace

Translator::Translator(Options options)
    : default_issuer_(std::move(options.default_issuer)),
      classes_(std::move(options.classes)),
      hosts_(route_to_default(options.default_backend)) {
  if (!options.default_backend) return;
  const BackendUse use{
      .key = default_key, .service = options.default_backend->service, .port = options.default_backend->port};
  backends_.use(use, {"v1", "Service", use.service, ""});
}

void Translator::upsert(const Resource& resource, const nlohmann::json& object) {
  if (resource.kind == resources::ingresses.kind) return upsert_ingress(object);
  if (resource.kind == resources::ingress_classes.kind) return upsert_class(object);
  if (resource.kind == resources::services.kind) {
    auto service = read_service(object);
    if (!service) return refuse(resource, object, service.error());
    notices_.set(giver(resource, service->metadata.name), {});
    backends_.upsert(*std::move(service));
  } else if (resource.kind == resources::endpoint_slices.kind) {
    auto slice = read_endpoint_slice(object);
    if (!slice) return refuse(resource, object, slice.error());
    notices_.set(giver(resource, slice->metadata.name), {});
    backends_.upsert(*std::move(slice));
  } else if (resource.kind == resources::secrets.kind) {
    auto secret = read_secret(object);
    if (!secret) {
      // Told to the Ingresses that use it: most Secrets of a cluster are none of our business.
      ObjectFaults unreadable;
      const Metadata metadata = read_metadata(ObjectFields(object, "", unreadable), resource.scope);
      if (!metadata.name.name.empty()) secrets_.upsert_invalid(metadata.name, to_string(secret.error()));
      return;
    }
    secrets_.upsert(*std::move(secret));
  } else {
    vaults_.upsert(resource, object);
  }
}

void Translator::remove(const Resource& resource, const ObjectName& name) {
  notices_.set(giver(resource, name), {});
  if (resource.kind == resources::ingresses.kind) return remove_ingress(name);
  if (resource.kind == resources::ingress_classes.kind) {
    classes_.remove(name.name);
    return touch_class(name.name);
  }
  if (resource.kind == resources::services.kind) backends_.remove_service(name);
  if (resource.kind == resources::endpoint_slices.kind) backends_.remove_slice(name);
  if (resource.kind == resources::secrets.kind) secrets_.remove(name);
  vaults_.remove(resource, name);
}

void Translator::upsert_ingress(const nlohmann::json& object) {
  auto ingress = read_ingress(object);
  if (!ingress) return refuse_ingress(object, ingress.error());
  const ObjectName name = ingress->metadata.name;
  notices_.set(giver(resources::ingresses, name), {});
  Entry& entry = ingresses_[name];
  ingresses_of_class_[entry.class_name].erase(name);
  entry.class_name = ClassRules::class_of(*ingress);
  entry.ingress = *std::move(ingress);
  ingresses_of_class_[entry.class_name].insert(name);
  touched_.insert(name);
}

void Translator::remove_ingress(const ObjectName& name) {
  const auto found = ingresses_.find(name);
  if (found == ingresses_.end()) return;
  ingresses_of_class_[found->second.class_name].erase(name);
  found->second.ingress.reset();
  touched_.insert(name);
}

void Translator::upsert_class(const nlohmann::json& object) {
  const auto read = read_ingress_class(object);
  if (!read) return refuse(resources::ingress_classes, object, read.error());
  notices_.set(giver(resources::ingress_classes, read->metadata.name), {});
  classes_.upsert(*read);
  touch_class(read->metadata.name.name);
}

// Those that name it, and those that name nothing, for it may be the default.
void Translator::touch_class(const std::string& name) {
  for (const std::string& named : {name, std::string()}) {
    const auto found = ingresses_of_class_.find(named);
    if (found != ingresses_of_class_.end()) touched_.insert(found->second.begin(), found->second.end());
  }
}

// Others' Ingresses are none of our business, so the class is looked for in what can still be read.
bool Translator::could_be_ours(const nlohmann::json& object) const {
  ObjectFaults unreadable;
  const ObjectFields fields(object, "", unreadable);
  Ingress partly{.metadata = read_metadata(fields, Resource::Scope::namespaced)};
  if (const auto spec = fields.object("spec")) partly.class_name = spec->text("ingressClassName");
  const auto known = ingresses_.find(partly.metadata.name);
  return (known != ingresses_.end() && known->second.plan) || classes_.serves(ClassRules::class_of(partly));
}

void Translator::refuse_ingress(const nlohmann::json& object, const ObjectFaults& faults) {
  if (could_be_ours(object)) refuse(resources::ingresses, object, faults);
}

void Translator::refuse(const Resource& resource, const nlohmann::json& object, const ObjectFaults& faults) {
  ObjectFaults unreadable;
  const Metadata metadata = read_metadata(ObjectFields(object, "", unreadable), resource.scope);
  if (metadata.name.name.empty()) return;  // nobody to tell
  notices_.set(giver(resource, metadata.name),
               {{reference_to(resource, metadata), NoticeType::warning, reasons::invalid_object, to_string(faults)}});
}

Changes Translator::take() {
  Changes changes;
  for (const ObjectName& name : std::exchange(touched_, {})) plan(name, changes);
  backends_.take(changes, notices_, work_);
  hosts_.take(changes, notices_, work_);
  for (auto& [secret, claim] : vaults_.take()) secrets_.claim(secret, std::move(claim));
  secrets_.take(changes, notices_, work_);
  certificates_.take(changes, notices_);
  auto [appeared, vanished] = notices_.take();
  changes.appeared = std::move(appeared);
  changes.vanished = std::move(vanished);
  return changes;
}

Judgement Translator::judge(const nlohmann::json& object) const {
  const auto ingress = read_ingress(object);
  if (!ingress) {
    if (!could_be_ours(object)) return {};
    return {.refusals = {std::string(reasons::invalid_object) + ": " + to_string(ingress.error())}, .warnings = {}};
  }
  const auto dialect = classes_.serves(ClassRules::class_of(*ingress));
  if (!dialect) return {};
  const IngressPlan plan = plan_ingress(*ingress, {.dialect = *dialect, .default_issuer = default_issuer_});
  std::vector<Notice> notices = plan.notices;
  std::ranges::move(hosts_.conflicts(plan), std::back_inserter(notices));
  return judgement_of(notices);
}

HostReport Translator::report(const std::string& host) const {
  std::map<Seniority, IngressOnHost> by_age;
  for (const auto& [name, entry] : ingresses_) {
    if (!entry.ingress) continue;
    if (auto found = report_on(*entry.ingress, entry.plan.get(), host)) {
      by_age.emplace(Seniority{entry.ingress->metadata.created, name}, *std::move(found));
    }
  }
  HostReport report;
  for (auto& [seniority, found] : by_age) report.push_back(std::move(found));
  return report;
}

void Translator::plan(const ObjectName& name, Changes& changes) {
  const auto found = ingresses_.find(name);
  if (found == ingresses_.end()) return;
  Entry& entry = found->second;
  const auto dialect = entry.ingress ? classes_.serves(entry.class_name) : std::nullopt;
  PlanPtr next;
  if (dialect) {
    ++work_.ingresses;
    next = std::make_shared<const IngressPlan>(
        plan_ingress(*entry.ingress, {.dialect = *dialect, .default_issuer = default_issuer_}));
  }
  notices_.set("plan of " + to_string(name), next ? next->notices : std::vector<Notice>());
  const std::optional<ObjectRef> before = entry.plan ? std::optional(entry.plan->ingress) : std::nullopt;
  const std::optional<ObjectRef> now = next ? std::optional(next->ingress) : std::nullopt;
  if (before != now) changes.ingresses[name] = now;
  replace(entry, std::move(next));
  if (!entry.ingress) ingresses_.erase(found);
}

void Translator::replace(Entry& entry, PlanPtr next) {
  const PlanPtr before = std::exchange(entry.plan, std::move(next));
  if (before) {
    hosts_.remove(before);
    secrets_.remove(before);
    certificates_.remove(before);
    for (const BackendUse& backend : before->backends) backends_.release(backend.key, before->ingress);
  }
  if (entry.plan) {
    hosts_.add(entry.plan);
    secrets_.add(entry.plan);
    certificates_.add(entry.plan);
    for (const BackendUse& backend : entry.plan->backends) backends_.use(backend, entry.plan->ingress);
  }
}

}  // namespace kube
