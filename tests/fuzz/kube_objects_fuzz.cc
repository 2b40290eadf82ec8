// JSON texts, one a line: each is taken for an object of every kind, given to a translator and taken away again.
// Nothing may be left of it then, and no route may say what the configuration file could not.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "config/host_names.h"
#include "kube/metadata.h"
#include "kube/translator.h"
#include "tests/support/lines.h"

namespace {

using nlohmann::json;

void check(const kube::Changes& changes) {
  for (const auto& [host, routes] : changes.hosts) {
    if (!host.empty() && config::parse_host_pattern(host) != host) std::abort();
    for (const config::Route& route : routes) {
      if (!route.path.path.starts_with('/')) std::abort();
      if (route.hosts.size() > 1 || (route.hosts.empty() != host.empty())) std::abort();
      if (route.action.index() == 0 && std::get<config::ToBackend>(route.action).backend.empty()) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  kube::Translator translator(
      {.classes = {.taken_over = {"nginx"}, .unclassed = kube::ClassRules::Options::Unclassed::served}});
  const kube::Resource kinds[] = {
      kube::resources::ingress_classes,  kube::resources::services,      kube::resources::endpoint_slices,
      kube::resources::secrets,          kube::resources::ingresses,     kube::resources::secret_provider_classes,
      kube::resources::external_secrets, kube::resources::secret_stores, kube::resources::cluster_secret_stores};
  std::vector<kube::ObjectName> names;
  for (int i = 0; i < 8 && !text.empty(); ++i) {
    const json object = json::parse(test::next_line(text), nullptr, false);
    if (object.is_discarded()) continue;
    for (const kube::Resource& kind : kinds) {
      translator.upsert(kind, object);
      kube::ObjectFaults faults;
      names.push_back(kube::read_metadata(kube::ObjectFields(object, "", faults), kind.scope).name);
    }
    check(translator.take());
    for (const auto& [secret, vault] : translator.take_vaults()) {
      if (vault && vault->claim.problem.empty() == vault->claim.read.object.empty()) std::abort();
    }
  }
  for (const kube::ObjectName& name : names) {
    for (const kube::Resource& kind : kinds) translator.remove(kind, name);
  }
  check(translator.take());
  if (!translator.routes().empty() || !translator.notices().empty()) std::abort();
  if (!translator.wanted_secrets().empty()) std::abort();
  return 0;
}
