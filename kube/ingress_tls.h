// The TLS sections of an Ingress: which Secret is for which host, and which certificates are to be made. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kube/ingress_plan.h"

namespace kube {

// Of one Ingress; what goes beyond is left out and its owner told. Fixed, because whoever may make an Ingress may make
// one of 1.5 MiB and change a label of it as often as he likes.
inline constexpr std::size_t most_tls_hosts = 1000;  // as the sections have them, one that stands twice twice

struct TlsPlan {
  std::set<std::string, std::less<>> hosts;  // of all sections, exact or wildcard
  std::vector<TlsClaim> claims;              // those with a Secret, each once
  ObjectRef ingress;
  // Whether a request for `host` can come over TLS. Any host (empty) can if there is a section at all.
  [[nodiscard]] bool covers(std::string_view host) const;
};

// A section without hosts is for all hosts of the rules. Secrets are those of the Ingress's own namespace only.
[[nodiscard]] TlsPlan plan_tls(const Ingress& ingress, const std::vector<std::optional<std::string>>& rule_hosts,
                               const ObjectRef& object, std::vector<Notice>& notices);

// One for each Secret of the sections. `wanted` holds what they share; without an issuer they get the default one, and
// where there is none either, nothing is made and the owner told.
[[nodiscard]] std::vector<WantedCertificate> plan_certificates(const TlsPlan& tls, const WantedCertificate& wanted,
                                                               const std::optional<IssuerRef>& default_issuer,
                                                               std::vector<Notice>& notices);

}  // namespace kube
