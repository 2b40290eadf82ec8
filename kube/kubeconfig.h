// Kubeconfig: the files that kubectl reads, merged as it merges them, and the cluster and user of one context.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "kube/exec_credential.h"

namespace kube {

struct KubeconfigCluster {
  std::string server;
  std::filesystem::path ca_file;  // absolute, or empty
  std::string ca_pem;             // before the file
  std::string tls_server_name;
  std::string proxy_url;
  bool insecure_skip_tls_verify = false;
};

struct KubeconfigUser {
  std::filesystem::path certificate_file;
  std::string certificate_pem;  // before the file
  std::filesystem::path key_file;
  std::string key_pem;               // before the file; secret
  std::string token;                 // secret
  std::filesystem::path token_file;  // before `token`
  std::optional<ExecPlugin> exec;
};

struct KubeconfigContext {
  std::string name;
  std::string name_space;  // empty: none is named
  KubeconfigCluster cluster;
  KubeconfigUser user;
};

// `context`: empty for the current one. Errors: not_found (no file, no such context, cluster or user), invalid with
// file and place; a way to log in that is not supported is refused by name, never passed over. Blocking.
[[nodiscard]] base::Result<KubeconfigContext> read_kubeconfig(const std::vector<std::filesystem::path>& files,
                                                              const std::string& context);

}  // namespace kube
