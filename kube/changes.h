// Changes: what differs for the data plane since the last time, after objects of the cluster changed. Names what
// changed and nothing else, so that taking it can cost what changed and not what is there.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "certstore/certificate.h"
#include "config/config.h"
#include "kube/notice.h"
#include "kube/wanted_certificate.h"

namespace kube {

// A Secret that is shown for some hosts.
struct ServedSecret {
  // The only names that it may be shown for, whatever its certificate says: those for which an Ingress of its namespace
  // names it and no older one of another namespace has a Secret.
  std::vector<std::string> hosts;
  base::Result<certstore::CertificatePtr> certificate;  // or why there is none; the last good one stays
};

struct Changes {
  // All routes of a host now, each of that host alone, in no order that matters; "" is any host. Empty: it has none.
  std::map<std::string, std::vector<config::Route>> hosts;
  // By key. Null: nothing uses it any more.
  std::map<std::string, std::shared_ptr<const config::Backend>> backends;
  // Keys of `backends` that were there before and of which only the endpoints differ.
  std::set<std::string> endpoints_only;
  std::map<ObjectName, ServedSecret> secrets;
  std::set<ObjectName> secrets_gone;                                    // shown for no host any more
  std::map<ObjectName, std::optional<WantedCertificate>> certificates;  // by Secret; none: asked for no more
  std::map<ObjectName, std::optional<ObjectRef>> ingresses;  // that are ours, for their status; none: no more
  std::vector<Notice> appeared;
  std::vector<Notice> vanished;
  [[nodiscard]] bool empty() const {
    return hosts.empty() && backends.empty() && secrets.empty() && secrets_gone.empty() && certificates.empty() &&
           ingresses.empty() && appeared.empty() && vanished.empty();
  }
};

// How many objects were looked at, over the life of a translator: what a change costs, without a clock.
struct Work {
  std::size_t ingresses = 0;  // planned
  std::size_t hosts = 0;      // whose routes were put together
  std::size_t claims = 0;     // compared in doing so
  std::size_t backends = 0;   // whose endpoints were put together
  std::size_t slices = 0;     // read in doing so
  std::size_t secrets = 0;    // parsed
  [[nodiscard]] std::size_t total() const { return ingresses + hosts + claims + backends + slices + secrets; }
};

}  // namespace kube
