#include "kube/kubeconfig.h"

#include <map>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "base/base64.h"
#include "base/file.h"

namespace kube {
namespace {

constexpr std::size_t largest_file = 4U << 20U;

// One named entry, with the folder of its file: relative paths are relative to that.
struct Entry {
  YAML::Node node;
  std::filesystem::path folder;
};

struct Merged {
  std::string current_context;
  std::map<std::string, Entry> contexts;
  std::map<std::string, Entry> clusters;
  std::map<std::string, Entry> users;
};

// Any kind but a scalar reads as nothing: the fields that matter are asked for again where they are needed.
std::string text_at(const YAML::Node& node, const char* key) {
  if (!node.IsMap()) return {};
  const YAML::Node value = node[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

bool has(const YAML::Node& node, const char* key) {
  return node.IsMap() && node[key] && !node[key].IsNull();
}

std::filesystem::path path_at(const Entry& entry, const char* key) {
  const std::string text = text_at(entry.node, key);
  return text.empty() ? std::filesystem::path() : entry.folder / text;
}

base::Result<std::string> bytes_at(const Entry& entry, const char* key) {
  const std::string text = text_at(entry.node, key);
  auto bytes = base::from_base64(text);
  if (!bytes) return base::fail(base::Code::invalid, fmt::format("{} is no base64", key), base::Origin::control);
  return *std::move(bytes);
}

void merge_list(const YAML::Node& document, const char* list, const char* member, const std::filesystem::path& folder,
                std::map<std::string, Entry>& into) {
  if (!document.IsMap() || !document[list] || !document[list].IsSequence()) return;
  for (const YAML::Node& item : document[list]) {
    // The first file that names it wins.
    if (item.IsMap() && item[member]) into.try_emplace(text_at(item, "name"), Entry{item[member], folder});
  }
}

base::Result<void> merge(const std::filesystem::path& file, Merged& merged) {
  const auto text = base::read_file(file, largest_file);
  if (!text) return std::unexpected(text.error());
  try {
    const YAML::Node document = YAML::Load(*text);
    const auto folder = std::filesystem::absolute(file).parent_path();
    if (merged.current_context.empty()) merged.current_context = text_at(document, "current-context");
    merge_list(document, "contexts", "context", folder, merged.contexts);
    merge_list(document, "clusters", "cluster", folder, merged.clusters);
    merge_list(document, "users", "user", folder, merged.users);
  } catch (const YAML::Exception& problem) {
    return base::fail(base::Code::invalid, fmt::format("{}:{}: {}", file.string(), problem.mark.line + 1, problem.msg),
                      base::Origin::control);
  }
  return {};
}

base::Result<KubeconfigCluster> cluster_from(const Entry& entry) {
  auto ca = bytes_at(entry, "certificate-authority-data");
  if (!ca) return std::unexpected(std::move(ca.error()));
  KubeconfigCluster cluster{.server = text_at(entry.node, "server"),
                            .ca_file = path_at(entry, "certificate-authority"),
                            .ca_pem = *std::move(ca),
                            .tls_server_name = text_at(entry.node, "tls-server-name"),
                            .proxy_url = text_at(entry.node, "proxy-url"),
                            .insecure_skip_tls_verify = text_at(entry.node, "insecure-skip-tls-verify") == "true"};
  while (cluster.server.ends_with('/')) cluster.server.pop_back();
  if (!cluster.server.starts_with("https://") && !cluster.server.starts_with("http://")) {
    return base::fail(base::Code::invalid, "server is no http or https URL", base::Origin::control);
  }
  return cluster;
}

base::Result<ExecPlugin> exec_from(const Entry& user) {
  const YAML::Node node = user.node["exec"];
  const auto wrong = [](std::string what) {
    return base::fail(base::Code::invalid, "exec: " + std::move(what), base::Origin::control);
  };
  ExecPlugin plugin{.api_version = text_at(node, "apiVersion"),
                    .command = text_at(node, "command"),
                    .install_hint = text_at(node, "installHint"),
                    .folder = user.folder,
                    .provide_cluster_info = text_at(node, "provideClusterInfo") == "true"};
  if (plugin.command.empty()) return wrong("no command");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    return wrong("apiVersion has to be client.authentication.k8s.io/v1 or v1beta1");
  }
  if (text_at(node, "interactiveMode") == "Always") {
    return wrong(fmt::format("{} wants to ask somebody (interactiveMode: Always), and nobody is here", plugin.command));
  }
  if (has(node, "args")) {
    for (const YAML::Node& argument : node["args"]) {
      plugin.arguments.push_back(argument.IsScalar() ? argument.Scalar() : std::string());
    }
  }
  if (has(node, "env")) {
    for (const YAML::Node& each : node["env"]) {
      plugin.environment.emplace_back(text_at(each, "name"), text_at(each, "value"));
    }
  }
  return plugin;
}

base::Result<KubeconfigUser> user_from(const Entry& entry) {
  for (const char* key : {"auth-provider", "username", "password", "as", "as-uid", "as-groups", "as-user-extra"}) {
    if (has(entry.node, key)) {
      return base::fail(base::Code::invalid,
                        fmt::format("{} is not supported: use exec, a token or a client certificate", key),
                        base::Origin::control);
    }
  }
  auto certificate = bytes_at(entry, "client-certificate-data");
  if (!certificate) return std::unexpected(std::move(certificate.error()));
  auto key = bytes_at(entry, "client-key-data");
  if (!key) return std::unexpected(std::move(key.error()));
  KubeconfigUser user{.certificate_file = path_at(entry, "client-certificate"),
                      .certificate_pem = *std::move(certificate),
                      .key_file = path_at(entry, "client-key"),
                      .key_pem = *std::move(key),
                      .token = text_at(entry.node, "token"),
                      .token_file = path_at(entry, "tokenFile")};
  const bool shown = !user.certificate_pem.empty() || !user.certificate_file.empty();
  const bool signs = !user.key_pem.empty() || !user.key_file.empty();
  if (shown != signs) {
    return base::fail(base::Code::invalid, "a client certificate or its key is without the other",
                      base::Origin::control);
  }
  if (has(entry.node, "exec")) {
    auto plugin = exec_from(entry);
    if (!plugin) return std::unexpected(std::move(plugin.error()));
    user.exec = *std::move(plugin);
  }
  return user;
}

base::Result<const Entry*> entry_named(const std::map<std::string, Entry>& entries, const char* what,
                                       const std::string& name) {
  const auto found = entries.find(name);
  if (found != entries.end()) return &found->second;
  return base::fail(base::Code::not_found, fmt::format("there is no {} \"{}\"", what, name), base::Origin::control);
}

base::Result<KubeconfigContext> choose(const Merged& merged, const std::string& name) {
  if (name.empty()) return base::fail(base::Code::not_found, "there is no current-context", base::Origin::control);
  const auto context = entry_named(merged.contexts, "context", name);
  if (!context) return std::unexpected(context.error());
  const std::string cluster_name = text_at((*context)->node, "cluster");
  const std::string user_name = text_at((*context)->node, "user");
  KubeconfigContext chosen{.name = name, .name_space = text_at((*context)->node, "namespace")};
  const auto cluster = entry_named(merged.clusters, "cluster", cluster_name);
  if (!cluster) return std::unexpected(cluster.error());
  auto read_cluster = cluster_from(**cluster);
  if (!read_cluster) return std::unexpected(std::move(read_cluster.error()).in("cluster " + cluster_name));
  chosen.cluster = *std::move(read_cluster);
  if (user_name.empty()) return chosen;  // nobody in particular: as kubectl does
  const auto user = entry_named(merged.users, "user", user_name);
  if (!user) return std::unexpected(user.error());
  auto read_user = user_from(**user);
  if (!read_user) return std::unexpected(std::move(read_user.error()).in("user " + user_name));
  chosen.user = *std::move(read_user);
  return chosen;
}

}  // namespace

base::Result<KubeconfigContext> read_kubeconfig(const std::vector<std::filesystem::path>& files,
                                                const std::string& context) {
  Merged merged;
  bool any = false;
  for (const std::filesystem::path& file : files) {
    const auto done = merge(file, merged);
    if (!done && done.error().code != base::Code::not_found) return std::unexpected(done.error());
    any = any || done;
  }
  if (!any) return base::fail(base::Code::not_found, "there is no kubeconfig", base::Origin::control);
  try {
    auto chosen = choose(merged, context.empty() ? merged.current_context : context);
    if (!chosen) return std::unexpected(std::move(chosen.error()).in("kubeconfig"));
    return chosen;
  } catch (const YAML::Exception& problem) {
    return base::fail(base::Code::invalid, fmt::format("kubeconfig: {}", problem.msg), base::Origin::control);
  }
}

}  // namespace kube
