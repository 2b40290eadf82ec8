#include "app/azure_mirrors.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "azure/gateway_mirror.h"
#include "azure/key_vault_mirror.h"
#include "azure/listener_probe.h"
#include "azure/object_name.h"

namespace app {
namespace {

using azure::MirrorItem;

struct Delivered {
  std::string name;
  certstore::CertificatePtr certificate;
};

// A mirror holds one certificate of a name. All that Azure knows of takes RSA.
certstore::CertificatePtr one_of(const std::vector<certstore::CertificatePtr>& certificates) {
  const auto rsa = std::ranges::find_if(certificates, [](const certstore::CertificatePtr& one) {
    return one != nullptr && one->facts().key_type == certstore::KeyType::rsa;
  });
  if (rsa != certificates.end()) return *rsa;
  return certificates.empty() ? nullptr : certificates.front();
}

std::vector<Delivered> all_issued(const Observation& seen) {
  std::vector<Delivered> all;
  for (const acme::ManagedCertificate& managed : seen.managed) {
    if (auto certificate = one_of(managed.certificates)) all.push_back({managed.name, std::move(certificate)});
  }
  return all;
}

// By its name or one of its hosts, wherever it comes from; null: none, or one that only stands in.
certstore::CertificatePtr find(const std::string& name, const Observation& seen) {
  const auto among = [&](const std::vector<std::string>& names) {
    return std::ranges::find(names, name) != names.end();
  };
  for (const acme::ManagedCertificate& managed : seen.managed) {
    if (managed.name != name && !among(managed.hosts)) continue;
    if (auto certificate = one_of(managed.certificates)) return certificate;
  }
  std::vector<certstore::CertificatePtr> served;
  for (const certstore::CertificateStatus& status : seen.certificates) {
    if (is_interim(status) || status.serving == nullptr) continue;
    if (status.id == name || among(status.serving->facts().dns_names)) served.push_back(status.serving);
  }
  return one_of(served);
}

const std::vector<config::MirroredCertificate>& chosen_of(const config::Mirror& mirror) {
  return std::visit([](const auto& to) -> const auto& { return to.certificates; }, mirror.to);
}

std::string name_there(const config::Mirror& mirror, const std::string& certificate) {
  if (const auto* gateway = std::get_if<config::ApplicationGatewayMirror>(&mirror.to)) {
    // The gateway reads it out of the vault under its name there.
    const bool in_vault = gateway->by == config::ApplicationGatewayMirror::By::key_vault;
    return azure::object_name(gateway->name_prefix, certificate, in_vault ? azure::vault_names : azure::gateway_names);
  }
  return azure::object_name(std::get<config::KeyVaultMirror>(mirror.to).name_prefix, certificate, azure::vault_names);
}

std::function<base::Result<std::string>(const std::string&, const std::stop_token&)> probe_of(
    const std::string& address) {
  if (address.empty()) return {};
  return [address](const std::string& server_name, const std::stop_token& stop) {
    return azure::shown_fingerprint(address, server_name, std::chrono::seconds(5), stop);
  };
}

}  // namespace

std::vector<MirrorItem> mirror_items(const config::Mirror& mirror, const Observation& seen) {
  std::vector<MirrorItem> items;
  std::set<std::string> names;
  const auto add = [&](MirrorItem item) {
    if (item.certificate->facts().not_after <= seen.now || !names.insert(item.name).second) return;
    items.push_back(std::move(item));
  };
  if (chosen_of(mirror).empty()) {
    for (Delivered& one : all_issued(seen)) {
      add({one.name, name_there(mirror, one.name), MirrorItem::Named::by_us, std::move(one.certificate)});
    }
  }
  for (const config::MirroredCertificate& chosen : chosen_of(mirror)) {
    auto certificate = find(chosen.certificate, seen);
    if (certificate == nullptr) continue;
    const bool named = !chosen.name.empty();
    add({chosen.certificate, named ? chosen.name : name_there(mirror, chosen.certificate),
         named ? MirrorItem::Named::by_operator : MirrorItem::Named::by_us, std::move(certificate)});
  }
  return items;
}

std::unique_ptr<azure::Mirror> AzureMirrors::make(const config::Mirror& mirror) {
  const auto services = side_.services();
  if (const auto* vault = std::get_if<config::KeyVaultMirror>(&mirror.to)) {
    return std::make_unique<azure::KeyVaultMirror>(services, vault->vault, vault->identity);
  }
  const auto& gateway = std::get<config::ApplicationGatewayMirror>(mirror.to);
  return std::make_unique<azure::GatewayMirror>(
      services->client,
      azure::GatewayMirror::Options{
          .resource_manager = services->endpoints.resource_manager,
          .resource_id = gateway.resource_id,
          .token = {.scope = services->endpoints.resource_manager_scope,
                    .tenant = gateway.identity.tenant_id,
                    .client_id = gateway.identity.client_id},
          .vault = gateway.vault.empty() ? std::string() : services->endpoints.vault_url(gateway.vault),
          .listeners = gateway.listeners,
          .name_prefix = gateway.name_prefix,
          .prune_after = gateway.prune_after,
          .probe = probe_of(gateway.probe_address)});
}

void AzureMirrors::apply(const std::vector<config::Mirror>& wanted) {
  std::vector<Running> gone;  // ends outside the lock: an attempt that is under way takes its time to stop
  {
    const std::lock_guard lock(mutex_);
    std::vector<Running> next;
    for (const config::Mirror& mirror : wanted) {
      const auto there = std::ranges::find(running_, mirror, &Running::config);
      if (there != running_.end()) {
        next.push_back(std::move(*there));
        running_.erase(there);
        continue;
      }
      next.push_back(
          {mirror, std::make_unique<azure::MirrorLoop>(make(mirror), azure::MirrorLoop::Options{.clock = clock_})});
    }
    gone = std::exchange(running_, std::move(next));
  }
}

bool AzureMirrors::any() const {
  const std::lock_guard lock(mutex_);
  return !running_.empty();
}

void AzureMirrors::look(const Observation& seen) {
  const std::lock_guard lock(mutex_);
  for (const Running& one : running_) {
    one.loop->want(mirror_items(one.config, seen));
    one.loop->lead(!seen.cluster || seen.cluster->leads);
  }
}

std::vector<MirrorView> AzureMirrors::views() const {
  const std::lock_guard lock(mutex_);
  std::vector<MirrorView> views;
  for (const Running& one : running_) views.push_back({one.loop->where(), one.loop->states()});
  return views;
}

}  // namespace app
