#include <algorithm>

#include <fmt/format.h>

#include "base/timestamps.h"

#include "app/api.h"

namespace app {
namespace {

bool only_tls_listeners(const proxy::Snapshot& snapshot) {
  return snapshot.config && !snapshot.config->listeners.empty() &&
         std::ranges::all_of(snapshot.config->listeners, &config::Listener::tls);
}

bool no_certificate(const proxy::Snapshot& snapshot) {
  return !snapshot.certificates || (snapshot.certificates->size() == 0 && snapshot.certificates->fallback() == nullptr);
}

std::string unread(const ClusterView& cluster) {
  std::string text;
  for (const WatchedKind& watch : cluster.watches) {
    if (watch.state.synced) continue;
    text += (text.empty() ? "" : "; ") + watch.resource;
    if (!watch.state.last_failure.empty()) text += " (" + watch.state.last_failure + ")";
  }
  return text.empty() ? "in a moment" : text;
}

// What is served stays as it was: a reason to look, not to be left out.
void add_silent_watches(const Observation& seen, Json& to) {
  for (const WatchedKind& watch : seen.cluster->watches) {
    if (watch.state.connected || !watch.state.synced) continue;
    const auto silent = std::chrono::floor<std::chrono::seconds>(seen.now - watch.state.last_contact);
    to.push_back(fmt::format("the Kubernetes API is away, what was last read is served: {}, nothing for {} s{}{}",
                             watch.resource, silent.count(), watch.state.last_failure.empty() ? "" : ": ",
                             watch.state.last_failure));
  }
}

Json reasons(const Observation& seen) {
  Json result = Json::array();
  if (seen.draining) result.push_back("draining: connections are being ended before exit");
  if (seen.cluster && !seen.cluster->synced) {
    result.push_back(fmt::format("starting: not everything has been read from the cluster: {}", unread(*seen.cluster)));
    return result;
  }
  if (!seen.snapshot || generation_in_force(seen) == 0 || seen.listening.empty()) {
    result.push_back("starting: not listening yet");
    return result;
  }
  // With a plain listener it can still answer, ACME challenges for one, and must stay in the load balancer for them.
  if (only_tls_listeners(*seen.snapshot) && no_certificate(*seen.snapshot)) {
    result.push_back("no certificate: all listeners are TLS and there is no certificate for any name");
  }
  return result;
}

// How many certificates are named; the rest is in /api/certificates.
constexpr std::size_t most_warnings = 20;

// What Azure does not have, and not only for a moment.
void add_mirrors(const Observation& seen, Json& to) {
  std::size_t told = 0;
  for (const MirrorView& view : seen.mirrors) {
    for (const azure::MirrorState& state : view.states) {
      if (state.problem.empty() || state.what == azure::MirrorState::What::in_step) continue;
      if (++told > most_warnings) continue;
      to.push_back(fmt::format("{}: {}: {}", view.where, state.certificate_name, state.problem));
    }
  }
  if (told > most_warnings) to.push_back(fmt::format("{} more mirrored certificates", told - most_warnings));
}

Json warnings(const Observation& seen) {
  Json result = Json::array();
  if (seen.reloads.last_refused) {
    result.push_back("the newest configuration was refused; the one before it is served (see reload.problems)");
  }
  if (seen.cluster) {
    add_silent_watches(seen, result);
    if (!seen.cluster->ticket_keys.problem.empty()) result.push_back(seen.cluster->ticket_keys.problem);
  }
  const std::size_t before = result.size();
  std::size_t left_out = 0;
  for (const certstore::CertificateStatus& status : seen.certificates) {
    const CertificateState state = state_of(status, seen.now);
    if (status.problem.empty() && state != CertificateState::expired && state != CertificateState::not_yet_valid)
      continue;
    if (result.size() - before >= most_warnings) {
      ++left_out;
      continue;
    }
    result.push_back(
        fmt::format("certificate {}: {}", status.id, status.problem.empty() ? to_string(state) : status.problem));
  }
  if (left_out > 0) result.push_back(fmt::format("{} more certificates with problems", left_out));
  add_mirrors(seen, result);
  return result;
}

Json reload_json(const ReloadState& reloads) {
  Json result{
      {"last", reloads.last_refused ? "refused" : "good"}, {"good", reloads.good}, {"refused", reloads.refused}};
  if (reloads.good + reloads.refused > 0) result["at"] = base::to_rfc3339(reloads.at);
  result["problems"] = reloads.problems;
  result["restart_needed"] = reloads.restart_needed;
  return result;
}

}  // namespace

Json readiness_json(const Observation& seen) {
  const Json against = reasons(seen);
  return {{"ready", against.empty()},
          {"reasons", against},
          {"warnings", warnings(seen)},
          {"draining", seen.draining},
          {"generation", generation_in_force(seen)},
          {"published_generation", seen.snapshot ? seen.snapshot->generation : 0},
          {"reload", reload_json(seen.reloads)}};
}

}  // namespace app
