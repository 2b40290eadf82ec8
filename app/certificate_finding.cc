#include "app/certificate_finding.h"

#include <cstddef>
#include <string>

#include <fmt/format.h>

#include "app/observation.h"

namespace app {

acme::Finding certificate_finding(const std::vector<certstore::CertificateStatus>& all, base::SystemTime now) {
  using Verdict = acme::Finding::Verdict;
  std::size_t bad = 0;
  std::size_t warned = 0;
  std::string first;
  for (const certstore::CertificateStatus& status : all) {
    if (is_past_interim(status)) continue;
    const CertificateState state = state_of(status, now);
    if (!status.problem.empty()) ++warned;
    if (state == CertificateState::valid || state == CertificateState::unused) continue;
    if (bad++ == 0) first = fmt::format("{} ({})", status.id, to_string(state));
  }
  if (bad == 0) {
    return {.check = "certificates",
            .name = "",
            .verdict = Verdict::good,
            .text = fmt::format("{} looked at: none is refused, expired or not valid yet{}", all.size(),
                                warned == 0 ? "" : fmt::format("; {} with a warning, see `sekisho certs`", warned))};
  }
  return {.check = "certificates",
          .name = "",
          .verdict = Verdict::bad,
          .text = fmt::format("{} of {} cannot be used: {}{}; `sekisho certs` tells why", bad, all.size(), first,
                              bad == 1 ? "" : ", and more")};
}

}  // namespace app
