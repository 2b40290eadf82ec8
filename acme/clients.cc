#include "acme/clients.h"

#include <utility>

namespace acme {

Clients::Clients(const base::Clock& clock, Client::Observe observe) : clock_(clock), observe_(std::move(observe)) {}

std::shared_ptr<Client> Clients::of(const config::AcmeIssuer& issuer) {
  const std::lock_guard lock(mutex_);
  auto& client = clients_[issuer.directory + " " + issuer.ca_certificates.string()];
  if (!client) {
    client = std::make_shared<Client>(
        Client::Options{.directory_url = issuer.directory, .ca_certificates = issuer.ca_certificates}, clock_,
        observe_);
  }
  return client;
}

}  // namespace acme
