#include "app/azure_mirrors.h"

#include <algorithm>
#include <string>
#include <utility>

#include "app/mirror_items.h"
#include "azure/gateway_mirror.h"
#include "azure/key_vault_mirror.h"
#include "azure/listener_probe.h"

namespace app {
namespace {

std::function<base::Result<std::string>(const std::string&, const std::stop_token&)> probe_of(
    const std::string& address) {
  if (address.empty()) return {};
  return [address](const std::string& server_name, const std::stop_token& stop) {
    return azure::shown_fingerprint(address, server_name, std::chrono::seconds(5), stop);
  };
}

}  // namespace

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
          .only = only_name_there(gateway),
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
