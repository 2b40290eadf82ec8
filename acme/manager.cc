#include "acme/manager.h"

#include "acme/manager_loop.h"

namespace acme {

Manager::Manager(Options options) : loop_(std::make_unique<Loop>(std::move(options))) {}
Manager::~Manager() = default;

void Manager::start(certstore::Report report) {
  loop_->start(std::move(report));
}
void Manager::configure(std::vector<config::IssuedCertificate> certificates,
                        std::map<std::string, config::Issuer> issuers) {
  loop_->configure(std::move(certificates), std::move(issuers));
}
std::vector<ManagedCertificate> Manager::status() const {
  return loop_->status();
}
ManagerCounters Manager::counters() const {
  return loop_->counters();
}
base::Result<void> Manager::renew(const std::string& name) {
  return loop_->renew(name);
}
void Manager::asked_for(const std::string& server_name) {
  loop_->asked_for(server_name);
}
void Manager::look_again() {
  loop_->look_again();
}
void Manager::storage_changed(const std::string& record) {
  loop_->storage_changed(record);
}
base::Result<void> Manager::revoke(const std::string& name, std::optional<unsigned> reason, std::stop_token stop) {
  return loop_->revoke(name, reason, std::move(stop));
}
base::Result<void> Manager::roll_account_key_over(const std::string& issuer, std::stop_token stop) {
  return loop_->roll_account_key_over(issuer, std::move(stop));
}
base::Result<void> Manager::deactivate_account(const std::string& issuer, std::stop_token stop) {
  return loop_->deactivate_account(issuer, std::move(stop));
}
std::vector<Finding> Manager::examine(std::stop_token stop) {
  return loop_->examine(std::move(stop));
}

}  // namespace acme
