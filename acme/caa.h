// CAA: whether a zone lets a CA issue. RFC 8659, with the parameters of RFC 8657.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "acme/dns_lookup.h"
#include "acme/dns_message.h"
#include "base/error.h"

namespace acme {

// Who asks for what.
struct CaaRequest {
  bool wildcard = false;
  std::vector<std::string> identities;  // the CA's, of its directory
  std::string account_url;
  std::string method;  // "http-01"
};

struct CaaDecision {
  bool allowed = true;
  std::string why;  // what the record set says against it, or "no CAA record", "issue \"letsencrypt.org\""
};

// `records` are those of the name that decides (RFC 8659 §3); they are controlled by the zone's owner. Pure.
[[nodiscard]] CaaDecision decide_caa(const std::vector<ResourceRecord>& records, const CaaRequest& request);

struct RelevantCaa {
  std::string owner;  // the name that has them; empty: none has
  std::vector<ResourceRecord> records;
};
// Climbs from `name` to the root until a name has CAA records (RFC 8659 §3). Blocking; errors as of DnsLookup::ask.
[[nodiscard]] base::Result<RelevantCaa> find_caa(const DnsLookup& lookup, const std::string& name,
                                                 const std::stop_token& stop);

}  // namespace acme
