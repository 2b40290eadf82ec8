#include "kube/cert_manager_watch.h"

#include <utility>

namespace kube {
namespace {

constexpr std::chrono::seconds ask_every{30};
constexpr std::chrono::minutes fresh{2};  // two clocks differ by less
constexpr auto lease = "cert-manager-controller";

}  // namespace

CertManagerWatch::CertManagerWatch(Client& client, std::vector<std::string> namespaces)
    : client_(client), namespaces_(std::move(namespaces)) {}

bool CertManagerWatch::alive(const std::stop_token& stop) {
  const auto now = client_.clock().steady();
  if (now < next_) return alive_;
  next_ = now + ask_every;
  bool alive = false;
  for (const std::string& name_space : namespaces_) {
    const auto object = client_.get(resources::leases, {name_space, lease}, stop);
    if (!object) continue;
    const LeaseRecord record = lease_from(*object);
    const bool held = !seen_[name_space].free(record, now);
    alive = alive || (held && record.renewed + fresh > client_.clock().now());
  }
  alive_ = alive;
  return alive_;
}

}  // namespace kube
