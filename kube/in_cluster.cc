// The Access of a Pod: environment, and the files of its service account, which the kubelet replaces every hour or so.
#include <cstdlib>
#include <utility>

#include "kube/access.h"
#include "kube/rotating_file.h"

namespace kube {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

class InClusterAccess final : public Access {
 public:
  explicit InClusterAccess(const InCluster& cluster)
      : server_("https://" + (cluster.host.contains(':') ? '[' + cluster.host + ']' : cluster.host) + ':' +
                cluster.port),
        token_(cluster.folder / "token"),
        ca_(cluster.folder / "ca.crt"),
        namespace_(cluster.folder / "namespace") {}

  base::Result<Connection> connection(std::stop_token /*stop*/) override {
    auto token = token_.content();
    if (!token) return std::unexpected(std::move(token.error()).in("service account"));
    auto ca = ca_.content();
    if (!ca) return std::unexpected(std::move(ca.error()).in("service account"));
    return Connection{.server = server_,
                      .ca_pem = *std::move(ca),
                      .token = without_line_end(*std::move(token)),
                      .proxy = base::HttpRequest::Proxy::none};  // the cluster's own addresses
  }

  bool renew(const Connection& refused) override {
    const auto token = token_.content();
    return token && without_line_end(*token) != refused.token;
  }

  std::string own_namespace() const override {
    const auto text = namespace_.content();
    return text && !text->empty() ? without_line_end(*text) : "default";
  }

 private:
  std::string server_;
  RotatingFile token_;
  RotatingFile ca_;
  mutable RotatingFile namespace_;
};

}  // namespace

std::optional<InCluster> in_cluster() {
  InCluster cluster{environment("KUBERNETES_SERVICE_HOST"), environment("KUBERNETES_SERVICE_PORT")};
  if (cluster.host.empty() || cluster.port.empty()) return std::nullopt;
  return cluster;
}

base::Result<std::shared_ptr<Access>> make_in_cluster_access(const InCluster& cluster) {
  auto access = std::make_shared<InClusterAccess>(cluster);
  if (auto first = access->connection({}); !first) return std::unexpected(std::move(first.error()));
  return access;
}

}  // namespace kube
