#include "kube/certificate_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kube {
namespace {

bool covers(const WantedCertificate& certificate, const WantedCertificate& other) {
  return certificate.issuer == other.issuer && std::ranges::all_of(other.hosts, [&](const std::string& host) {
           return std::ranges::find(certificate.hosts, host) != certificate.hosts.end();
         });
}

}  // namespace

void CertificateBook::add(const PlanPtr& plan) {
  for (const WantedCertificate& certificate : plan->certificates) {
    wanted_[certificate.secret].insert_or_assign(plan->seniority, certificate);
    touched_.insert(certificate.secret);
  }
}

void CertificateBook::remove(const PlanPtr& plan) {
  for (const WantedCertificate& certificate : plan->certificates) {
    wanted_[certificate.secret].erase(plan->seniority);
    touched_.insert(certificate.secret);
  }
}

void CertificateBook::take(Changes& changes, NoticeBoard& notices) {
  for (const ObjectName& secret : std::exchange(touched_, {})) {
    const std::string giver = "certificate " + to_string(secret);
    const auto wanted = wanted_.find(secret);
    if (wanted == wanted_.end() || wanted->second.empty()) {
      wanted_.erase(secret);
      notices.set(giver, {});
      if (published_.erase(secret) > 0) changes.certificates[secret] = std::nullopt;
      continue;
    }
    const WantedCertificate& first = wanted->second.begin()->second;
    std::vector<Notice> said;
    for (const auto& [seniority, certificate] : wanted->second) {
      if (covers(first, certificate)) continue;
      said.push_back(
          {certificate.ingress, NoticeType::warning, reasons::bad_certificate_request,
           fmt::format("the Certificate {} is made for Ingress {}, which is older and asks for other hosts or "
                       "another issuer",
                       secret.name, to_string(first.ingress.name))});
    }
    notices.set(giver, std::move(said));
    const auto published = published_.find(secret);
    if (published != published_.end() && published->second == first) continue;
    published_.insert_or_assign(secret, first);
    changes.certificates[secret] = first;
  }
}

}  // namespace kube
