// What `sekisho doctor` finds in a cluster: the API, its clock, the rights of the service account, cert-manager's kinds
// and a cert-manager beside us, classes, who leads, the Service in front, issuers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "acme/preflight.h"
#include "kube/access.h"
#include "kube/certificate_controller.h"
#include "kube/client.h"
#include "kube/needed_rights.h"

namespace kube {

struct ClusterQuestion {
  std::shared_ptr<Access> access;  // of the client
  RightsWanted rights;             // and which namespaces are concerned
  std::string lease;               // the name of the Lease of who leads
  std::vector<std::string> classes;
  std::optional<ObjectName> publish_service;
  std::vector<std::uint16_t> ports;  // that are listened on
  CertificateController::Options::Beside beside = CertificateController::Options::Beside::stand_aside;
};

// Where the API cannot be reached that is the only finding. Some eighty short calls, at most 30 seconds; blocking.
[[nodiscard]] std::vector<acme::Finding> examine_cluster(Client& client, const ClusterQuestion& question,
                                                         const std::stop_token& stop);

}  // namespace kube
