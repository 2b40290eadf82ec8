// The Certificates that annotated Ingresses ask for.
#include <utility>

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "kube/certificate_desk.h"
#include "kube/ingress_certificate.h"
#include "kube/notice.h"

namespace kube {
namespace {

constexpr std::chrono::seconds after_failure{10};

}  // namespace

void CertificateDesk::follow(std::shared_ptr<const Wanted> wanted, const std::stop_token& stop) {
  const auto now = parts_.client.clock().steady();
  const bool again = now >= follow_next_ && !(follow_again_.empty() && unwanted_.empty());
  if (wanted == followed_ && !again) return;
  std::set<ObjectName> touched;
  for (const auto& [secret, certificate] : *wanted) {
    const auto before = followed_->find(secret);
    if (before == followed_->end() || before->second != certificate) touched.insert(secret);
  }
  if (now >= follow_next_) touched.merge(std::exchange(follow_again_, {}));
  for (const ObjectName& secret : touched) {
    if (stop.stop_requested()) return;
    const auto found = wanted->find(secret);
    if (found == wanted->end() || step(found->second, stop)) continue;
    follow_again_.insert(secret);
    follow_next_ = now + after_failure;
  }
  note_unwanted(*wanted);
  if (now >= follow_next_ || wanted != followed_) drop_unwanted(*wanted, stop);
  followed_ = std::move(wanted);
}

// False: to be tried again.
bool CertificateDesk::step(const WantedCertificate& wanted, const std::stop_token& stop) {
  if (wanted.issuer.name.empty() || is_aside(wanted.issuer, wanted.secret.name_space)) return true;
  const auto found = entries_.find(wanted.secret);
  const CertificateObject* there = found == entries_.end() ? nullptr : &found->second.object;
  switch (step_for(wanted, there)) {
    case IngressCertificateStep::nothing:
      return true;
    case IngressCertificateStep::create:
      return make(wanted, stop);
    case IngressCertificateStep::update:
      return update(wanted, *there, stop);
    case IngressCertificateStep::not_ours:
      event(wanted.ingress, NoticeType::warning, reasons::bad_certificate_request,
            fmt::format("the Certificate \"{}\" was not made for this Ingress and is left as it is; its annotations "
                        "have no effect",
                        wanted.secret.name));
      return true;
  }
  return true;
}

bool CertificateDesk::make(const WantedCertificate& wanted, const std::stop_token& stop) {
  const auto created = parts_.client.create(resources::certificates, certificate_for(wanted), stop);
  if (!created) {
    if (created.error().conflict() || stop.stop_requested()) return true;  // the watch is going to tell
    const std::string why = created.error().not_found() ? "this cluster has no Certificates: apply cert-manager's CRDs"
                                                        : acme::shown(created.error().error.what, 300);
    event(wanted.ingress, NoticeType::warning, reasons::bad_certificate_request,
          fmt::format("the Certificate \"{}\" cannot be made: {}", wanted.secret.name, why));
    return false;
  }
  event(wanted.ingress, NoticeType::normal, "CreateCertificate",
        fmt::format("Successfully created Certificate \"{}\"", wanted.secret.name));
  return true;
}

bool CertificateDesk::update(const WantedCertificate& wanted, const CertificateObject& there,
                             const std::stop_token& stop) {
  nlohmann::json patch = patch_for(wanted, there);
  patch["metadata"] = {{"resourceVersion", there.metadata.resource_version}};
  const auto updated = parts_.client.merge(resources::certificates, there.metadata.name, patch, {}, stop);
  if (!updated) return updated.error().conflict() || updated.error().not_found() || stop.stop_requested();
  event(wanted.ingress, NoticeType::normal, "UpdateCertificate",
        fmt::format("Successfully updated Certificate \"{}\"", wanted.secret.name));
  return true;
}

// Only what an Ingress that is served here asked for: another process may serve the Ingresses of other classes, and
// what was made for those is none of ours. With its Ingress a Certificate goes by itself.
void CertificateDesk::note_unwanted(const Wanted& wanted) {
  for (const auto& [name, before] : *followed_) {
    if (!wanted.contains(name)) unwanted_.insert_or_assign(name, before.ingress);
  }
  if (std::exchange(compared_, true) || !parts_.serves) return;
  for (const auto& [name, entry] : entries_) {
    if (wanted.contains(name) || !is_made_here(entry.object)) continue;
    const auto ingress = ingress_of(entry.object);
    if (ingress && parts_.serves(ingress->uid)) unwanted_.emplace(name, *ingress);
  }
}

// What cannot be deleted now is tried again.
void CertificateDesk::drop_unwanted(const Wanted& wanted, const std::stop_token& stop) {
  for (auto each = unwanted_.begin(); each != unwanted_.end();) {
    if (stop.stop_requested()) return;
    const auto& [name, ingress] = *each;
    const auto found = entries_.find(name);
    if (wanted.contains(name) || found == entries_.end() || !ingress_of(found->second.object)) {
      each = unwanted_.erase(each);
      continue;
    }
    const Precondition same{.uid = found->second.object.metadata.uid, .resource_version = {}};
    const auto removed = parts_.client.remove(resources::certificates, name, same, stop);
    if (!removed && !removed.error().not_found() && !removed.error().conflict()) {
      follow_next_ = parts_.client.clock().steady() + after_failure;
      ++each;
      continue;
    }
    if (removed) {
      event(ingress, NoticeType::normal, "DeleteCertificate",
            fmt::format("Successfully deleted unrequired Certificate \"{}\"", name.name));
    }
    each = unwanted_.erase(each);
  }
}

}  // namespace kube
