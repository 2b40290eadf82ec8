// Snapshot: the whole world of a worker at one moment. Immutable; a handshake and a request each take it once.
#pragma once

#include <cstdint>
#include <memory>

#include "certstore/cert_index.h"
#include "certstore/challenges.h"
#include "certstore/ticket_keys.h"
#include "certstore/withheld_names.h"
#include "config/config.h"
#include "proxy/backend_table.h"
#include "proxy/route_table.h"

namespace proxy {

class ClientAuthTable;  // proxy/tls_client_auth.h: client certificate policies by name, trust stores loaded

struct Snapshot {
  std::uint64_t generation = 0;
  std::shared_ptr<const config::Config> config;
  std::shared_ptr<const RouteTable> routes;
  std::shared_ptr<const BackendTable> backends;
  std::shared_ptr<const certstore::CertIndex> certificates;
  std::shared_ptr<const certstore::Challenges> challenges;     // null: none
  std::shared_ptr<const certstore::TicketKeySet> ticket_keys;  // null: no tickets
  std::shared_ptr<const ClientAuthTable> client_auth;          // null: off for all
  std::shared_ptr<const certstore::WithheldNames> withheld;    // null: none
  bool on_demand = false;  // names of handshakes that no certificate covers are told upwards
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace proxy
