// Propagation: whether the authoritative servers of a zone show a TXT value yet.
#pragma once

#include <stop_token>
#include <string>

#include "acme/dns_lookup.h"
#include "acme/solver.h"
#include "config/issuers.h"

namespace acme {

// Asks every authoritative server of the owner's zone until each of them shows the record, with growing pauses; a
// server that does not answer, or answers no, is asked again. Errors: timeout (which server, what it said last),
// cancelled, not_found (no zone). Blocking, at most propagation.timeout + propagation.delay.
[[nodiscard]] base::Result<void> wait_for_propagation(const DnsLookup& lookup, const DnsRecord& record,
                                                      const config::DnsPropagation& propagation,
                                                      const std::stop_token& stop);

// Whether all of them show it at this moment. Errors as above.
[[nodiscard]] base::Result<bool> shown_everywhere(const DnsLookup& lookup, const DnsRecord& record,
                                                  const std::stop_token& stop);

}  // namespace acme
