#include <algorithm>

#include "certstore/store.h"

namespace certstore {

Store::Counters Store::counters() const {
  const std::lock_guard lock(mutex_);
  Counters counters{.accepted = accepted_, .refused = refused_, .sources = {}};
  for (const auto& [source, group] : sources_) counters.sources.push_back({source, group.refused});
  return counters;
}

std::string Store::source_of(const Certificate& certificate) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, group] : sources_) {
    for (const auto& [id, held] : group.held) {
      if (held.newest.get() == &certificate || held.previous.get() == &certificate) return name;
    }
  }
  return {};
}

std::vector<CertificateStatus> Store::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<CertificateStatus> all;
  for (const auto& [source, group] : sources_) {
    for (const auto& [id, held] : group.held) all.push_back(status_of(source, id, held));
  }
  return all;
}

CertificateStatus Store::status_of(const std::string& source, const std::string& id, const Held& held) const {
  CertificateStatus status{.source = source,
                           .id = id,
                           .serving = nullptr,
                           .certificate = held.newest,
                           .problem = held.refused,
                           .changed = held.changed,
                           .is_default = held.is_default,
                           .file_path = held.file_path};
  if (is_served(held, held.newest)) {
    status.serving = held.newest;
  } else if (is_served(held, held.previous)) {
    status.serving = held.previous;
  }
  const auto add = [&](const std::string& text) {
    if (!text.empty()) status.problem += (status.problem.empty() ? "" : "; ") + text;
  };
  if (held.newest) add(shortcomings(held.newest->facts(), clock_.now()));
  if (status.serving && status.serving == held.previous) add("the version before is served");
  if (held.parts) add("is no longer there, and is let go of in a moment");
  if (held.newest && !status.serving) {
    add(may_be_shown(held) ? "another certificate serves its names"
                           : "it is for none of the hosts that it may be shown for");
  }
  return status;
}

}  // namespace certstore
