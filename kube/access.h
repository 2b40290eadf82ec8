// Access: where the API is and what this process shows it. Inside a cluster, or by a kubeconfig.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <filesystem>

#include "base/clock.h"
#include "base/error.h"
#include "base/http_client.h"

namespace kube {

struct Connection {
  std::string server;       // "https://10.0.0.1:443", without a slash at the end
  std::string ca_pem = {};  // empty: the system's authorities
  std::string client_certificate_pem = {};
  std::string client_key_pem = {};   // secret
  std::string token = {};            // secret
  std::string tls_server_name = {};  // that the certificate has to be for; empty: the host of `server`
  std::string proxy_url = {};
  base::HttpRequest::Proxy proxy = base::HttpRequest::Proxy::from_environment;
  base::HttpRequest::Verification verification = base::HttpRequest::Verification::full;

  // The request with all of this in it; `path` begins with a slash.
  [[nodiscard]] base::HttpRequest request(const std::string& path) const;
};

// Any thread.
class Access {
 public:
  virtual ~Access() = default;
  // As it is now: files that have been replaced are read again. Blocking where a program has to be asked, bounded.
  [[nodiscard]] virtual base::Result<Connection> connection(std::stop_token stop) = 0;
  // The server did not know us by this connection (401). Whether it is worth asking once more with a new one.
  [[nodiscard]] virtual bool renew(const Connection& refused) = 0;
  // Where this process lives, or what the kubeconfig's context says; "default" if nothing says.
  [[nodiscard]] virtual std::string own_namespace() const = 0;
};

struct InCluster {
  std::string host;  // KUBERNETES_SERVICE_HOST; an IPv6 address without brackets
  std::string port;
  std::filesystem::path folder = "/var/run/secrets/kubernetes.io/serviceaccount";  // token, ca.crt, namespace
};

// From the environment of this process; nothing outside of a cluster.
[[nodiscard]] std::optional<InCluster> in_cluster();
// Errors: not_found, io: there is no token.
[[nodiscard]] base::Result<std::shared_ptr<Access>> make_in_cluster_access(const InCluster& cluster);

// Of the files, the first that says something wins; those that are not there are passed over. `context`: empty for the
// current one. Errors: invalid with the file and what is wrong in it, not_found.
[[nodiscard]] base::Result<std::shared_ptr<Access>> make_kubeconfig_access(
    const std::vector<std::filesystem::path>& files, const std::string& context, const base::Clock& clock);
// $KUBECONFIG, a list; else ~/.kube/config.
[[nodiscard]] std::vector<std::filesystem::path> kubeconfig_files();

}  // namespace kube
