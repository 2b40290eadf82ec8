// An observation of a gateway that does not run, for tests of what people and scrapers see.
#pragma once

#include <memory>

#include "app/observation.h"
#include "proxy/route_table.h"
#include "tests/support/mint.h"

namespace app {

class Observed {
 public:
  Observed() {
    config::Config config;
    config.listeners.push_back(
        {.address = {.host = "127.0.0.1", .port = 8443}, .tls = true, .proxy_protocol_from = {}});
    config::Route route;
    route.name = "shop";
    route.hosts = {"www.example.com"};
    route.action = config::ToBackend{.backend = "app", .replace_prefix = {}};
    route.request_headers.set.push_back({"Authorization", "Bearer hunter2"});
    config.routes.push_back(route);

    auto endpoint_stats = std::make_shared<proxy::EndpointStats>();
    endpoint_stats->requests = 7;
    proxy::BackendState backend;
    auto backend_config = std::make_shared<config::Backend>();
    backend_config->endpoints.push_back({.host = "app", .port = 3000});
    backend.config = backend_config;
    proxy::EndpointState endpoint;
    endpoint.address = {boost::asio::ip::make_address("192.0.2.1"), 3000};
    endpoint.name = "app:3000";
    endpoint.stats = endpoint_stats;
    backend.endpoints.push_back(endpoint);

    snapshot.generation = 3;
    snapshot.config = std::make_shared<config::Config>(config);
    snapshot.routes = std::make_shared<proxy::RouteTable>(config.routes, slots);
    snapshot.backends = std::make_shared<proxy::BackendTable>(
        proxy::BackendTable().with({{"app", std::make_shared<proxy::BackendState>(backend)}}));
    snapshot.certificates = std::make_shared<certstore::CertIndex>();
    worker.generation = 3;
    worker.ensure_route(slots.slot("shop"));
    seen.listening = {{.host = "127.0.0.1", .port = 8443}};
    seen.now = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
    seen.started = seen.now - std::chrono::hours(1);
    seen.workers = {&worker};
  }

  // A certificate for `name`, held as `id` from a file of its own.
  void add_certificate(const std::string& name, test::LeafOptions options = {}) {
    options.names = {name};
    const test::Minted minted = authority.issue(options);
    auto certificate = certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem());
    certstore::CertificateStatus status;
    status.source = "files " + name;
    status.id = "files:" + name;
    status.serving = certificate.value();
    status.changed = seen.now;
    status.file_path = "/certs/" + name + ".crt";
    seen.certificates.push_back(status);
    snapshot.certificates = std::make_shared<certstore::CertIndex>(
        snapshot.certificates->with(name, certstore::CertPair{.ecdsa = *certificate, .rsa = nullptr}));
  }

  [[nodiscard]] Observation observe() {
    seen.snapshot = std::make_shared<proxy::Snapshot>(snapshot);
    seen.route_names = slots.names();
    return seen;
  }

  test::Authority authority{"an authority"};
  proxy::RouteSlots slots;
  proxy::WorkerStats worker;
  proxy::Snapshot snapshot;
  Observation seen;
};

}  // namespace app
