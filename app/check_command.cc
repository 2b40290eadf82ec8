#include <algorithm>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/certificate_sources.h"
#include "app/commands.h"
#include "app/issuer_findings.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "certstore/store.h"
#include "config/parse.h"
#include "proxy/tls_client_auth.h"
#include "proxy/tls_upstream.h"

namespace app {
namespace {

using Json = nlohmann::ordered_json;

struct Words {
  std::string file;
  std::string output = "text";
};

struct Findings {
  config::Diagnostics errors;
  std::vector<std::string> warnings;  // what does not keep `run` from starting
};

void add(Findings& findings, const std::string& file, const base::Error& error) {
  findings.errors.push_back({.file = file, .found = error.what, .expected = "a file that can be read"});
}

// CA bundles and client certificates: `run` refuses to start without them.
void check_trust(const config::Config& config, const std::string& file, Findings& findings) {
  if (auto loaded = proxy::ClientAuthTable::load(config.tls); !loaded) add(findings, file, loaded.error());
  for (const auto& [name, backend] : config.backends) {
    if (!backend.tls) continue;
    auto loaded = proxy::UpstreamTlsMaterial::load(*backend.tls);
    if (!loaded) add(findings, file, std::move(loaded.error()).in("backend " + name));
  }
}

// Without them no issuer can be asked.
void check_issuers(const config::Config& config, const std::string& file, Findings& findings) {
  for (const base::Error& error : unreadable_issuer_files(config)) add(findings, file, error);
  for (std::string& warning : names_left_out(config)) findings.warnings.push_back(std::move(warning));
}

// Certificates may come later than the configuration, so what is wrong with them is a warning.
void check_certificates(const config::Config& config, Findings& findings) {
  certstore::Store store(base::system_clock(), [](const std::shared_ptr<const certstore::CertIndex>&) {});
  CertificateSources sources(store, make_file_source);
  sources.apply(config.certificates);
  const auto held = store.status();
  for (const certstore::CertificateStatus& status : held) {
    if (!status.problem.empty())
      findings.warnings.push_back(fmt::format("certificate {}: {}", status.id, status.problem));
  }
  const auto index = store.index();
  const bool issued = std::ranges::any_of(config.certificates, [](const config::CertificateSource& source) {
    return std::holds_alternative<config::IssuedCertificate>(source.from);
  });
  const bool nothing = !issued && (!index || (index->size() == 0 && index->fallback() == nullptr));
  for (const config::Listener& listener : config.listeners) {
    if (listener.tls && nothing) {
      findings.warnings.push_back(
          fmt::format("listener {}: there is no certificate for any name", listener.address.to_string()));
    }
  }
}

void print_json(const Findings& findings) {
  Json result{{"valid", findings.errors.empty()}, {"errors", Json::array()}, {"warnings", findings.warnings}};
  for (const config::Diagnostic& one : findings.errors) {
    result["errors"].push_back({{"file", one.file},
                                {"line", one.line},
                                {"column", one.column},
                                {"found", one.found},
                                {"expected", one.expected}});
  }
  fmt::print("{}\n", base::json_lines(result));
}

void print_text(const Findings& findings, const std::string& file) {
  for (const config::Diagnostic& one : findings.errors) fmt::print(stderr, "{}\n", one.to_string());
  for (const std::string& warning : findings.warnings) fmt::print(stderr, "{}: warning: {}\n", file, warning);
  if (findings.errors.empty()) fmt::print("{}: valid\n", file);
}

ExitCode check(const Words& words) {
  base::log::set_level(base::log::Level::error);  // warnings are findings here, and said once
  Findings findings;
  auto parsed = config::load(words.file);
  if (parsed) {
    check_trust(*parsed, words.file, findings);
    check_certificates(*parsed, findings);
    check_issuers(*parsed, words.file, findings);
  } else {
    findings.errors = std::move(parsed.error());
  }
  if (words.output == "json") {
    print_json(findings);
  } else {
    print_text(findings, words.file);
  }
  return findings.errors.empty() ? ExitCode::done : ExitCode::no;
}

}  // namespace

void add_check_command(CLI::App& app, Command& chosen) {
  CLI::App* const command = app.add_subcommand("check", "Validate a configuration file");
  const auto words = std::make_shared<Words>();
  command->add_option("FILE", words->file, "The configuration (YAML or JSON)")->required();
  command->add_option("--output,-o", words->output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->footer(
      "Every fault is a line file:line:column. Certificates that are missing or bad are warnings: they may come "
      "later.\n\n"
      "Examples:\n  sekisho check sekisho.yaml\n  sekisho check sekisho.yaml --output json");
  command->callback([&chosen, words] { chosen = [words] { return check(*words); }; });
}

}  // namespace app
