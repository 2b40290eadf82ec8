// ExecCredential: what a credential plugin of a kubeconfig (client.authentication.k8s.io) is asked and answers.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "kube/access.h"

namespace kube {

struct ExecPlugin {
  std::string api_version;  // "client.authentication.k8s.io/v1" or ".../v1beta1"
  std::string command;      // relative with a slash in it: to `folder`
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // besides our own
  std::string install_hint;
  std::filesystem::path folder;  // of the kubeconfig
  bool provide_cluster_info = false;
};

struct ExecCredential {
  std::string token;  // secret
  std::string certificate_pem;
  std::string key_pem;  // secret
  std::optional<base::SystemTime> expires;
};

// `protocol`: it is none of `api_version`, or has neither token nor certificate. Never quotes `text`.
[[nodiscard]] base::Result<ExecCredential> exec_credential_from(std::string_view text, std::string_view api_version);

// Runs the plugin, at most a minute, without standard input: it may not ask anybody anything. Its messages go to our
// own standard error. `cluster` is told to it where it asks for that. Blocking.
[[nodiscard]] base::Result<ExecCredential> run_exec_plugin(const ExecPlugin& plugin, const Connection& cluster,
                                                           const std::stop_token& stop);

}  // namespace kube
