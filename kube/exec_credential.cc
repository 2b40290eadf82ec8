#include "kube/exec_credential.h"

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/program.h"
#include "certstore/secret_bytes.h"

namespace kube {
namespace {

constexpr std::size_t largest_answer = 1U << 20U;
constexpr std::chrono::seconds patience{60};

std::string request_for(const ExecPlugin& plugin, const Connection& cluster) {
  nlohmann::json spec{{"interactive", false}};
  if (plugin.provide_cluster_info) {
    nlohmann::json told{{"server", cluster.server}};
    if (!cluster.ca_pem.empty()) told["certificate-authority-data"] = base::to_base64(cluster.ca_pem);
    if (!cluster.tls_server_name.empty()) told["tls-server-name"] = cluster.tls_server_name;
    if (!cluster.proxy_url.empty()) told["proxy-url"] = cluster.proxy_url;
    if (cluster.verification == base::HttpRequest::Verification::none) told["insecure-skip-tls-verify"] = true;
    spec["cluster"] = std::move(told);
  }
  const nlohmann::json request{{"kind", "ExecCredential"}, {"apiVersion", plugin.api_version}, {"spec", spec}};
  return base::json_line(request);
}

std::vector<std::string> environment_for(const ExecPlugin& plugin, const Connection& cluster) {
  std::vector<std::string> environment;
  const auto set = [&](const std::string& name, const std::string& value) {
    std::erase_if(environment, [&](const std::string& line) { return line.starts_with(name + '='); });
    environment.push_back(name + '=' + value);
  };
  for (char** line = ::environ; line != nullptr && *line != nullptr; ++line) environment.emplace_back(*line);
  for (const auto& [name, value] : plugin.environment) set(name, value);
  set("KUBERNETES_EXEC_INFO", request_for(plugin, cluster));
  return environment;
}

std::string text_at(const nlohmann::json& object, const char* name) {
  const std::string* text = acme::text_member(object, name);
  return text == nullptr ? std::string() : *text;
}

}  // namespace

base::Result<ExecCredential> exec_credential_from(std::string_view text, std::string_view api_version) {
  const auto wrong = [](std::string_view what) {
    return base::fail(base::Code::protocol, fmt::format("its answer {}", what), base::Origin::control);
  };
  const nlohmann::json answer = base::parse_json(text);
  if (!answer.is_object()) return wrong("is no ExecCredential");
  if (text_at(answer, "kind") != "ExecCredential") return wrong("is no ExecCredential");
  if (text_at(answer, "apiVersion") != api_version) return wrong(fmt::format("is not of {}", api_version));
  const nlohmann::json* status = acme::member(answer, "status");
  if (status == nullptr) return wrong("has no status");
  ExecCredential credential{.token = text_at(*status, "token"),
                            .certificate_pem = text_at(*status, "clientCertificateData"),
                            .key_pem = text_at(*status, "clientKeyData")};
  if (credential.certificate_pem.empty() != credential.key_pem.empty()) {
    return wrong("has a certificate or a key without the other");
  }
  if (credential.token.empty() && credential.key_pem.empty()) return wrong("has neither a token nor a certificate");
  if (credential.token.find_first_of("\r\n") != std::string::npos) return wrong("has a line break in its token");
  if (const nlohmann::json* expires = acme::member(*status, "expirationTimestamp"); expires && !expires->is_null()) {
    credential.expires = acme::time_member(*status, "expirationTimestamp");
    if (!credential.expires) return wrong("has an expirationTimestamp that is no time");
  }
  return credential;
}

base::Result<ExecCredential> run_exec_plugin(const ExecPlugin& plugin, const Connection& cluster,
                                             const std::stop_token& stop) {
  const std::string where = fmt::format("credential plugin {}", plugin.command);
  const bool relative = plugin.command.contains('/') && !plugin.command.starts_with('/');
  base::Program program{.arguments = {relative ? (plugin.folder / plugin.command).string() : plugin.command},
                        .environment = environment_for(plugin, cluster),
                        .timeout = patience,
                        .most_output = largest_answer,
                        .errors = base::Program::Errors::to_our_own};
  program.arguments.insert(program.arguments.end(), plugin.arguments.begin(), plugin.arguments.end());
  auto end = base::run_program(program, stop);
  if (!end) {
    base::Error error = std::move(end.error());
    if (error.code == base::Code::not_found && !plugin.install_hint.empty()) {
      error.what += ". " + base::printable_line(plugin.install_hint.substr(0, 500));
    }
    return std::unexpected(std::move(error).in(where));
  }
  const certstore::WipedAtEnd wiped(end->output);
  if (!end->good) {
    return base::fail(base::Code::refused, fmt::format("{}: {}", where, end->how), base::Origin::control,
                      base::Retry::later);
  }
  auto credential = exec_credential_from(end->output, plugin.api_version);
  if (!credential) return std::unexpected(std::move(credential.error()).in(where));
  return credential;
}

}  // namespace kube
