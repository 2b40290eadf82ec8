#include "kube/cert_manager_watch.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace kube {
namespace {

constexpr std::chrono::seconds ask_every{30};
constexpr std::chrono::seconds ask_again{5};  // what was never answered
constexpr std::chrono::minutes fresh{2};      // two clocks differ by less
constexpr auto lease = "cert-manager-controller";

}  // namespace

CertManagerWatch::CertManagerWatch(Client& client, std::vector<std::string> namespaces)
    : client_(client), namespaces_(std::move(namespaces)) {}

bool CertManagerWatch::alive(const std::stop_token& stop) {
  const auto now = client_.clock().steady();
  if (now < next_) return alive_;
  bool unanswered = false;
  for (const std::string& name_space : namespaces_) {
    if (const auto said = look_at(name_space, stop)) known_[name_space] = *said;
    unanswered = unanswered || !known_.contains(name_space);
  }
  next_ = now + (unanswered ? ask_again : ask_every);
  alive_ = unanswered || std::ranges::any_of(known_, [](const auto& each) { return each.second; });
  return alive_;
}

std::optional<bool> CertManagerWatch::look_at(const std::string& name_space, const std::stop_token& stop) {
  const auto now = client_.clock().steady();
  const auto object = client_.get(resources::leases, {name_space, lease}, stop);
  if (object) {
    warned_ = false;
    const LeaseRecord record = lease_from(*object);
    const bool held = !seen_[name_space].free(record, now);
    return held && record.renewed + fresh > client_.clock().now();
  }
  if (object.error().not_found()) return false;
  if (object.error().forbidden() && !known_.contains(name_space) && !std::exchange(warned_, true)) {
    base::log::warning("whether a cert-manager runs here may not be looked at, so nothing is issued",
                       {{"lease", name_space + "/" + lease},
                        {"remedy",
                         "grant get on leases called cert-manager-controller in that namespace, or say "
                         "--beside-cert-manager ignore where there is none"}});
  }
  return std::nullopt;
}

}  // namespace kube
