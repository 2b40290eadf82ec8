#include "kube/mirror_book.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace kube {
namespace {

using What = MirrorSight::What;

}  // namespace

bool MirrorBook::see_secret(const ObjectName& name, const nlohmann::json* secret) {
  if (secret == nullptr) {
    present_.erase(name);
    return sources_.erase(name) + sights_.erase(name) > 0;
  }
  present_.insert(name);
  bool matters = is_target(name);
  if (auto source = read_mirror_source(*secret)) {
    sources_[name] = std::make_shared<const MirrorSource>(*std::move(source));
    matters = true;
  } else if (sources_.erase(name) > 0) {
    matters = true;
  }
  const bool was_seen = sights_.contains(name);
  MirrorSight sight = look_at_mirror(*secret);
  if (sight.what != What::foreign || matters) {
    sights_[name] = std::move(sight);
    return true;
  }
  sights_.erase(name);
  return was_seen;
}

void MirrorBook::see_namespace(const std::string& name, const std::string* accepts) {
  if (accepts == nullptr) {
    namespaces_.erase(name);
  } else {
    namespaces_[name] = *accepts;
  }
}

void MirrorBook::forget_foreign() {
  std::erase_if(sights_, [](const auto& sight) { return sight.second.what == What::foreign; });
}

bool MirrorBook::is_target(const ObjectName& name) const {
  return std::ranges::any_of(sources_, [&](const auto& source) { return source.second->targets.contains(name); });
}

bool MirrorBook::accepted(const ObjectName& source, const ObjectName& target) const {
  const auto sight = sights_.find(target);
  if (sight != sights_.end() && sight->second.accepts) return sight->second.is_of(source);
  const auto found = namespaces_.find(target.name_space);
  return found != namespaces_.end() && accepts_mirror(found->second, source);
}

MirrorBook::Verdict MirrorBook::judge(const MirrorSource& source, const ObjectName& target) const {
  const ObjectName& from = source.secret.metadata.name;
  const auto refused = [](std::string why) { return Verdict{Verdict::What::refused, std::move(why)}; };
  if (!source.problem.empty()) return refused(source.problem);
  if (!namespaces_.contains(target.name_space)) return refused("there is no namespace " + target.name_space);
  const auto found = sights_.find(target);
  const MirrorSight sight = found == sights_.end() ? MirrorSight{} : found->second;
  if (sight.what == What::foreign) {
    return refused(fmt::format("there is a Secret {} already that is no mirror; delete it, or set {}: {} on it",
                               to_string(target), mirrors::accept_of, to_string(from)));
  }
  if (sight.what != What::absent && !sight.is_of(from)) {
    return refused(fmt::format("the Secret {} is the mirror of {}", to_string(target), sight.of));
  }
  if (!accepted(from, target)) {
    return refused(fmt::format("namespace {} does not take Secrets of {}: its owner sets {}: {} on the Namespace",
                               target.name_space, from.name_space, mirrors::accept_from, from.name_space));
  }
  const bool same =
      sight.what == What::mirror && sight.digest == source.digest && sight.fingerprint == source.fingerprint;
  return {same ? Verdict::What::in_step : Verdict::What::due, {}};
}

bool MirrorBook::is_to_go(const MirrorKey& key) const {
  const auto sight = sights_.find(key.target);
  if (sight == sights_.end() || sight->second.what != What::mirror || !sight->second.is_of(key.source)) return false;
  // One that its owner has prepared is the owner's.
  if (sight->second.accepts || !present_.contains(key.source)) return false;
  const auto source = sources_.find(key.source);
  return (source == sources_.end() || !source->second->targets.contains(key.target)) &&
         accepted(key.source, key.target);
}

std::vector<MirrorKey> MirrorBook::to_go() const {
  std::vector<MirrorKey> keys;
  for (const auto& [target, sight] : sights_) {
    const auto slash = std::min(sight.of.find('/'), sight.of.size());
    if (sight.what != What::mirror || slash == sight.of.size()) continue;
    const MirrorKey key{{sight.of.substr(0, slash), sight.of.substr(slash + 1)}, target};
    if (is_to_go(key)) keys.push_back(key);
  }
  return keys;
}

}  // namespace kube
