#include "app/reload_decisions.h"

#include <algorithm>

#include <fmt/format.h>

#include "app/issuer_findings.h"

namespace app {
namespace {

std::string admin_of(const config::Config& config) {
  return config.admin ? config.admin->address.to_string() : std::string("nowhere");
}

std::string workers_of(const config::Config& config) {
  return config.workers == 0 ? std::string("auto") : std::to_string(config.workers);
}

}  // namespace

std::vector<std::string> restart_needs(const config::Config& before, const config::Config& after) {
  std::vector<std::string> needs;
  if (before.workers != after.workers) {
    needs.push_back(fmt::format("workers: {} is in force, {} needs a restart", workers_of(before), workers_of(after)));
  }
  if (admin_of(before) != admin_of(after)) {
    needs.push_back(
        fmt::format("admin.address: {} is in force, {} needs a restart", admin_of(before), admin_of(after)));
  }
  if (before.state_directory != after.state_directory) {
    needs.push_back(fmt::format("state_directory: {} is in force, {} needs a restart", before.state_directory.string(),
                                after.state_directory.string()));
  }
  if (before.azure != after.azure) {
    needs.push_back("azure: another identity or other endpoints than those in force need a restart");
  }
  return needs;
}

std::vector<config::Listener> listeners_of_both(const config::Config& before, const config::Config& after) {
  std::vector<config::Listener> both = before.listeners;
  for (const config::Listener& listener : after.listeners) {
    if (std::ranges::find(both, listener.address, &config::Listener::address) == both.end()) both.push_back(listener);
  }
  return both;
}

std::vector<std::filesystem::path> trust_files(const config::Config& config) {
  std::vector<std::filesystem::path> files{config.tls.client_certificates.ca_certificates};
  for (const config::TlsHost& host : config.tls.hosts) files.push_back(host.client_certificates.ca_certificates);
  for (const auto& [name, backend] : config.backends) {
    if (!backend.tls) continue;
    files.push_back(backend.tls->ca_certificates);
    files.push_back(backend.tls->client_certificate);
    files.push_back(backend.tls->client_key);
  }
  for (const IssuerFile& file : issuer_files(config)) files.push_back(file.path);
  std::ranges::sort(files);
  const auto repeated = std::ranges::unique(files);
  files.erase(repeated.begin(), repeated.end());
  std::erase(files, std::filesystem::path());
  return files;
}

}  // namespace app
