#include "app/secret_copies.h"

#include <map>
#include <utility>

#include "app/secret_mirror.h"
#include "app/shown_certificate.h"
#include "certstore/choice.h"

namespace app {
namespace {

// What was copied before stays then.
std::string why_not(const certstore::CertificatePtr& certificate, base::SystemTime now) {
  if (certificate == nullptr) return "no certificate is shown for it";
  return certstore::validity_at(certificate->facts(), now) == certstore::Validity::valid ? "" : "it is not valid now";
}

}  // namespace

SecretCopies::SecretCopies(kube::Client& client, const std::vector<SecretCopy>& copies, const base::Clock& clock) {
  std::map<std::string, std::vector<SecretCopy>> by_namespace;
  for (const SecretCopy& copy : copies) by_namespace[copy.secret.name_space].push_back(copy);
  for (auto& [name_space, group] : by_namespace) {
    auto mirror = std::make_unique<SecretMirror>(client, name_space);
    groups_.push_back({std::move(group), std::make_unique<azure::MirrorLoop>(
                                             std::move(mirror), azure::MirrorLoop::Options{.clock = clock})});
  }
}

void SecretCopies::look(const Observation& seen) {
  for (const Group& group : groups_) {
    std::vector<azure::MirrorItem> items;
    for (const SecretCopy& copy : group.copies) {
      azure::MirrorItem& item = items.emplace_back();
      item.certificate_name = copy.host;
      item.name = copy.secret.name;
      item.named = azure::MirrorItem::Named::by_operator;
      item.certificate = shown_certificate(copy.host, seen);
      item.refusal = why_not(item.certificate, seen.now);
    }
    group.loop->want(std::move(items));
    group.loop->lead(!seen.cluster || seen.cluster->leads);
  }
}

std::vector<MirrorView> SecretCopies::views() const {
  std::vector<MirrorView> views;
  for (const Group& group : groups_) views.push_back({group.loop->where(), group.loop->states()});
  return views;
}

}  // namespace app
