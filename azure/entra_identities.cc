// The identities that prove themselves to Entra: workload identity, a client certificate, a client secret.
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "azure/client_assertion.h"
#include "azure/entra.h"
#include "azure/identity.h"
#include "azure/managed_identity.h"
#include "azure/token_command.h"
#include "base/ascii.h"
#include "base/file.h"
#include "certstore/secret_bytes.h"

namespace azure {
namespace {

constexpr std::size_t largest_proof = 64U << 10U;

std::string variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::string() : std::string(text);
}

std::string first_of(const std::string& one, const std::string& other) {
  return one.empty() ? other : one;
}

// A file that holds one word; the end of line is not part of it.
base::Result<std::string> read_word(const std::string& file) {
  auto text = base::read_file(file, largest_proof);
  if (!text) return text;
  text->resize(base::trimmed_end(*text, "\n\r ").size());
  if (text->empty()) return base::fail(base::Code::invalid, file + ": it is empty", base::Origin::control);
  return text;
}

struct Application {
  std::string tenant_id;
  std::string client_id;
};

// What makes a proof of an application's identity, for one exchange.
class ApplicationIdentity : public Identity {
 public:
  ApplicationIdentity(Application application, IdentityOptions options)
      : application_(std::move(application)), entra_(std::move(options)) {}

  base::Result<Grant> ask(const TokenRequest& request, const std::stop_token& stop) override {
    Entra::Exchange exchange{.tenant = first_of(request.tenant, application_.tenant_id),
                             .client_id = first_of(request.client_id, application_.client_id),
                             .scope = request.scope,
                             .prove = {},
                             .through_proxy = through_proxy()};
    exchange.prove = [this, tenant = exchange.tenant, client = exchange.client_id] { return prove(tenant, client); };
    return entra_.exchange(exchange, stop);
  }

  std::string description() const override {
    return fmt::format("{} {} of the tenant {}", kind(), application_.client_id, application_.tenant_id);
  }

 protected:
  [[nodiscard]] virtual base::Result<Proof> prove(const std::string& tenant, const std::string& client) = 0;
  [[nodiscard]] virtual const char* kind() const = 0;
  [[nodiscard]] virtual bool through_proxy() const { return false; }
  [[nodiscard]] const Entra& entra() const { return entra_; }

 private:
  const Application application_;
  Entra entra_;
};

class WorkloadIdentity final : public ApplicationIdentity {
 public:
  WorkloadIdentity(Application application, std::string token_file, IdentityOptions options)
      : ApplicationIdentity(std::move(application), std::move(options)), token_file_(std::move(token_file)) {}

 private:
  base::Result<Proof> prove(const std::string& /*tenant*/, const std::string& /*client*/) override {
    // The kubelet replaces it: what was read before may have ended.
    auto token = read_word(token_file_);
    if (!token) return std::unexpected(std::move(token.error()).in("the token of the service account"));
    return Proof{.assertion = *std::move(token), .secret = {}};
  }
  const char* kind() const override { return "workload identity"; }
  bool through_proxy() const override { return true; }

  const std::string token_file_;
};

class CertificateIdentity final : public ApplicationIdentity {
 public:
  CertificateIdentity(Application application, const config::AzureIdentity& config, IdentityOptions options)
      : ApplicationIdentity(std::move(application), std::move(options)),
        certificate_(config.client_certificate),
        key_(config.client_key) {}

 private:
  base::Result<Proof> prove(const std::string& tenant, const std::string& client) override {
    auto assertion = make_client_assertion({.certificate = certificate_,
                                            .key = key_,
                                            .client_id = client,
                                            .audience = entra().token_url(tenant),
                                            .now = entra().options().clock.now()});
    if (!assertion) return std::unexpected(std::move(assertion.error()).in("the client certificate"));
    return Proof{.assertion = *std::move(assertion), .secret = {}};
  }
  const char* kind() const override { return "client certificate of the application"; }

  const std::filesystem::path certificate_;
  const std::filesystem::path key_;
};

class SecretIdentity final : public ApplicationIdentity {
 public:
  SecretIdentity(Application application, std::string secret_file, IdentityOptions options)
      : ApplicationIdentity(std::move(application), std::move(options)), secret_file_(std::move(secret_file)) {}

 private:
  base::Result<Proof> prove(const std::string& /*tenant*/, const std::string& /*client*/) override {
    auto secret = read_word(secret_file_);
    if (!secret) return std::unexpected(std::move(secret.error()).in("the client secret"));
    return Proof{.assertion = {}, .secret = *std::move(secret)};
  }
  const char* kind() const override { return "client secret of the application"; }

  const std::string secret_file_;
};

base::Result<Application> application_of(const config::AzureIdentity& config, const IdentityEnvironment& environment) {
  Application application{.tenant_id = first_of(config.tenant_id, environment.tenant_id),
                          .client_id = first_of(config.client_id, environment.client_id)};
  if (application.client_id.empty()) {
    return base::fail(base::Code::invalid, "azure: no client_id, and no AZURE_CLIENT_ID in the environment",
                      base::Origin::control);
  }
  if (application.tenant_id.empty()) {
    return base::fail(base::Code::invalid, "azure: no tenant_id, and no AZURE_TENANT_ID in the environment",
                      base::Origin::control);
  }
  return application;
}

base::Result<std::shared_ptr<Identity>> make_workload_identity(const config::AzureIdentity& config,
                                                               IdentityOptions options) {
  auto application = application_of(config, options.environment);
  if (!application) return std::unexpected(std::move(application.error()));
  std::string file = first_of(config.token_file.string(), options.environment.token_file);
  if (file.empty()) {
    return base::fail(base::Code::invalid,
                      "azure: no token_file, and no AZURE_FEDERATED_TOKEN_FILE in the environment: the pod needs the "
                      "label azure.workload.identity/use: \"true\"",
                      base::Origin::control);
  }
  return std::make_shared<WorkloadIdentity>(*std::move(application), std::move(file), std::move(options));
}

}  // namespace

IdentityEnvironment IdentityEnvironment::of_process() {
  return {.tenant_id = variable("AZURE_TENANT_ID"),
          .client_id = variable("AZURE_CLIENT_ID"),
          .token_file = variable("AZURE_FEDERATED_TOKEN_FILE"),
          .token_proxy = variable("AZURE_KUBERNETES_TOKEN_PROXY"),
          .token_proxy_sni = variable("AZURE_KUBERNETES_SNI_NAME"),
          .token_proxy_ca_file = variable("AZURE_KUBERNETES_CA_FILE"),
          .token_proxy_ca_data = variable("AZURE_KUBERNETES_CA_DATA")};
}

base::Result<std::shared_ptr<Identity>> make_identity(const config::AzureIdentity& config, IdentityOptions options) {
  using Kind = config::AzureIdentity::Kind;
  Kind kind = config.kind;
  if (kind == Kind::from_environment) {
    const bool federated = !options.environment.token_file.empty() || !config.token_file.empty();
    kind = federated ? Kind::workload : Kind::managed;
  }
  if (kind == Kind::workload) return make_workload_identity(config, std::move(options));
  if (kind == Kind::command) return make_token_command(config.token_command, std::move(options));
  if (kind == Kind::client_certificate) {
    auto application = application_of(config, options.environment);
    if (!application) return std::unexpected(std::move(application.error()));
    return std::make_shared<CertificateIdentity>(*std::move(application), config, std::move(options));
  }
  const std::string client = first_of(config.client_id, options.environment.client_id);
  return make_managed_identity({.client_id = client, .resource_id = {}}, std::move(options));
}

std::shared_ptr<Identity> make_client_secret_identity(const std::string& tenant_id, const std::string& client_id,
                                                      const std::string& secret_file, IdentityOptions options) {
  return std::make_shared<SecretIdentity>(Application{tenant_id, client_id}, secret_file, std::move(options));
}

std::shared_ptr<Identity> make_managed_identity_by_resource(const std::string& resource_id, IdentityOptions options) {
  return make_managed_identity({.client_id = {}, .resource_id = resource_id}, std::move(options));
}

}  // namespace azure
