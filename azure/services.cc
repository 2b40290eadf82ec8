#include "azure/services.h"

#include <utility>

namespace azure {
namespace {

class NoIdentity final : public Identity {
 public:
  explicit NoIdentity(base::Error why) : why_(std::move(why)) {}
  base::Result<Grant> ask(const TokenRequest& /*request*/, const std::stop_token& /*stop*/) override {
    return std::unexpected(why_);
  }
  std::string description() const override { return "no identity (" + why_.what + ")"; }

 private:
  const base::Error why_;
};

}  // namespace

std::shared_ptr<const Services> make_services(const config::Azure& azure, const base::Clock& clock) {
  return make_services(azure, clock, IdentityEnvironment::of_process(), {});
}

std::shared_ptr<const Services> make_services(const config::Azure& azure, const base::Clock& clock,
                                              IdentityEnvironment environment, Client::Wait wait) {
  auto services = std::make_shared<Services>();
  base::Result<std::shared_ptr<Identity>> identity;
  if (auto endpoints = endpoints_of(azure)) {
    services->endpoints = *std::move(endpoints);
    identity = make_identity(
        azure.identity,
        {.clock = clock, .endpoints = services->endpoints, .environment = std::move(environment), .wait = wait});
  } else {
    identity = std::unexpected(std::move(endpoints.error()));
  }
  if (!identity) identity = std::make_shared<NoIdentity>(std::move(identity.error()));
  services->identity = (*identity)->description();
  services->tokens = make_tokens(*std::move(identity), clock);
  services->client = std::make_shared<Client>(
      services->tokens, Client::Options{.clock = clock, .ca_pem = services->endpoints.ca_pem, .wait = std::move(wait)});
  return services;
}

}  // namespace azure
