// The Access that a kubeconfig describes: its files are read again when they are replaced, its plugin is asked again
// when what it said has expired or is refused.
#include <cstdlib>
#include <mutex>
#include <utility>

#include "kube/access.h"
#include "kube/kubeconfig.h"
#include "kube/rotating_file.h"

namespace kube {
namespace {

constexpr std::chrono::seconds before_expiry{10};

class KubeconfigAccess final : public Access {
 public:
  KubeconfigAccess(KubeconfigContext context, const base::Clock& clock)
      : context_(std::move(context)),
        clock_(clock),
        ca_(context_.cluster.ca_file),
        certificate_(context_.user.certificate_file),
        key_(context_.user.key_file),
        token_(context_.user.token_file) {}

  base::Result<Connection> connection(std::stop_token stop) override {
    const KubeconfigCluster& cluster = context_.cluster;
    const KubeconfigUser& user = context_.user;
    Connection connection{.server = cluster.server,
                          .ca_pem = cluster.ca_pem,
                          .client_certificate_pem = user.certificate_pem,
                          .client_key_pem = user.key_pem,
                          .token = user.token,
                          .tls_server_name = cluster.tls_server_name,
                          .proxy_url = cluster.proxy_url};
    if (cluster.insecure_skip_tls_verify) connection.verification = base::HttpRequest::Verification::none;
    for (const auto& [file, into] :
         {std::pair(&ca_, &connection.ca_pem), std::pair(&certificate_, &connection.client_certificate_pem),
          std::pair(&key_, &connection.client_key_pem)}) {
      if (auto read = fill(*file, *into); !read) return std::unexpected(std::move(read.error()).in("kubeconfig"));
    }
    if (!token_.path().empty()) connection.token.clear();
    if (auto read = fill(token_, connection.token); !read) {
      return std::unexpected(std::move(read.error()).in("kubeconfig"));
    }
    while (connection.token.ends_with('\n')) connection.token.pop_back();
    if (user.exec) return with_credential(std::move(connection), stop);
    return connection;
  }

  bool renew(const Connection& refused) override {
    if (context_.user.exec) {
      const std::lock_guard lock(mutex_);
      // Another thread may have asked the plugin since.
      if (credential_ && credential_->token == refused.token &&
          credential_->certificate_pem == refused.client_certificate_pem) {
        credential_.reset();
      }
      return true;
    }
    const auto now = connection({});
    return now && (now->token != refused.token || now->client_certificate_pem != refused.client_certificate_pem);
  }

  std::string own_namespace() const override { return context_.name_space.empty() ? "default" : context_.name_space; }

 private:
  static base::Result<void> fill(RotatingFile& file, std::string& into) {
    if (file.path().empty() || !into.empty()) return {};
    auto content = file.content();
    if (!content) return std::unexpected(std::move(content.error()));
    into = *std::move(content);
    return {};
  }

  base::Result<Connection> with_credential(Connection connection, const std::stop_token& stop) {
    const std::lock_guard lock(mutex_);  // one plugin at a time; others wait for what it says
    const bool expired = credential_ && credential_->expires && clock_.now() + before_expiry >= *credential_->expires;
    if (!credential_ || expired) {
      auto credential = run_exec_plugin(*context_.user.exec, connection, stop);
      if (!credential) return std::unexpected(std::move(credential.error()));
      credential_ = *std::move(credential);
    }
    connection.token = credential_->token;
    if (!credential_->key_pem.empty()) {
      connection.client_certificate_pem = credential_->certificate_pem;
      connection.client_key_pem = credential_->key_pem;
    }
    return connection;
  }

  const KubeconfigContext context_;
  const base::Clock& clock_;
  RotatingFile ca_;
  RotatingFile certificate_;
  RotatingFile key_;
  RotatingFile token_;
  std::mutex mutex_;  // guards credential_
  std::optional<ExecCredential> credential_;
};

}  // namespace

base::Result<std::shared_ptr<Access>> make_kubeconfig_access(const std::vector<std::filesystem::path>& files,
                                                             const std::string& context, const base::Clock& clock) {
  auto chosen = read_kubeconfig(files, context);
  if (!chosen) return std::unexpected(std::move(chosen.error()));
  return std::make_shared<KubeconfigAccess>(*std::move(chosen), clock);
}

std::vector<std::filesystem::path> kubeconfig_files() {
  std::vector<std::filesystem::path> files;
  if (const char* list = std::getenv("KUBECONFIG"); list != nullptr && *list != '\0') {
    std::string_view rest(list);
    while (!rest.empty()) {
      const auto colon = std::min(rest.find(':'), rest.size());
      if (colon > 0) files.emplace_back(rest.substr(0, colon));
      rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
    return files;
  }
  if (const char* home = std::getenv("HOME")) files.push_back(std::filesystem::path(home) / ".kube" / "config");
  return files;
}

}  // namespace kube
