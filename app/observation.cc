#include "app/observation.h"

#include <algorithm>

namespace app {

std::uint64_t generation_in_force(const Observation& seen) {
  if (seen.workers.empty()) return 0;
  const auto generation = [](const proxy::WorkerStats* stats) { return stats->generation.load(); };
  return std::ranges::min(seen.workers, {}, generation)->generation.load();
}

CertificateState state_of(const certstore::CertificateStatus& status, base::SystemTime now) {
  if (!status.serving) return status.problem.empty() ? CertificateState::unused : CertificateState::refused;
  const certstore::Facts& facts = status.serving->facts();
  if (now < facts.not_before) return CertificateState::not_yet_valid;
  return now < facts.not_after ? CertificateState::valid : CertificateState::expired;
}

bool is_interim(const certstore::CertificateStatus& status) {
  return status.source == "issuers" && status.id.ends_with(" until it is issued");
}

bool is_past_interim(const certstore::CertificateStatus& status) {
  return is_interim(status) && !status.serving;
}

const char* to_string(CertificateState state) noexcept {
  switch (state) {
    case CertificateState::valid:
      return "valid";
    case CertificateState::expired:
      return "expired";
    case CertificateState::not_yet_valid:
      return "not_yet_valid";
    case CertificateState::refused:
      return "refused";
    case CertificateState::unused:
      return "unused";
  }
  return "unused";
}

}  // namespace app
