// Webhook: answers the API server when an Ingress is about to be written, by the translator's own code, and looks after
// its own certificate: keeps it in a Secret that all replicas share, renews it, and tells the API server what to
// believe in. On two threads of its own, apart from those that serve.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "app/ingress_control.h"
#include "app/small_server.h"
#include "base/error.h"
#include "kube/client.h"
#include "kube/webhook_identity.h"

namespace app {

class Webhook {
 public:
  struct Options {
    kube::Client& client;
    const IngressControl& control;
    config::SocketAddress address;
    std::string home;           // the namespace of the Secret
    std::string configuration;  // the ValidatingWebhookConfiguration that is kept true; empty: somebody else does
    std::chrono::seconds lifetime = std::chrono::days(90);  // of a certificate
  };

  // Listens when it returns; answers as soon as there is a certificate. What the options name outlives it. Errors: io
  // (address in use, no right).
  [[nodiscard]] static base::Result<std::unique_ptr<Webhook>> start(Options options);
  ~Webhook() = default;
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  [[nodiscard]] const config::SocketAddress& address() const noexcept { return server_->address(); }

 private:
  explicit Webhook(Options options) : options_(std::move(options)) {}
  [[nodiscard]] AdminAnswer answer(const AdminRequest& request) const;
  void keep(const std::stop_token& stop);
  // One look at Secret and configuration, and what follows. Blocking.
  [[nodiscard]] base::Result<void> look(const std::stop_token& stop);
  [[nodiscard]] base::Result<kube::WebhookIdentity> identity(const nlohmann::json& configuration,
                                                             const std::stop_token& stop);

  const Options options_;
  mutable std::mutex mutex_;  // guards the next
  certstore::CertificatePtr shown_;
  std::unique_ptr<SmallServer> server_;
  std::jthread keeper_;
};

}  // namespace app
