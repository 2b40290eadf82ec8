#include "config/parse.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/file.h"
#include "config/sections.h"
#include "config/value.h"
#include "config/yaml_tree.h"

namespace config {
namespace {

constexpr YamlBounds bounds;
constexpr std::uint64_t most_workers = 1024;

const Words<AccessLog> access_logs{{"json", AccessLog::json}, {"text", AccessLog::text}, {"off", AccessLog::off}};

unsigned read_workers(const Value& value) {
  const std::string& text = value.node().text;
  if (text == "auto") return 0;
  const bool number = value.is(YamlNode::Kind::scalar) && !text.empty() && text.front() >= '0' && text.front() <= '9';
  if (number) return static_cast<unsigned>(value.number({1, most_workers}).value_or(0));
  value.refuse("auto, or a whole number from 1 to 1024");
  return 0;
}

void check_references(const std::vector<Reference>& references, const std::vector<std::string>& declared,
                      std::string_view noun, Faults& faults) {
  const std::vector<std::string_view> names(declared.begin(), declared.end());
  for (const Reference& reference : references) {
    if (std::ranges::find(declared, reference.name) != declared.end()) continue;
    const std::string known = names.empty() ? "one that is declared; there is none" : "one that is declared";
    faults.add(reference.mark, std::string(noun) + " " + quote(reference.name),
               known + suggestion(reference.name, names));
  }
}

void read_traffic(const Mapping& map, Config& config, Faults& faults) {
  std::vector<std::string> names;
  if (const auto backends = map.find("backends")) {
    config.backends = read_backends(*backends);
    // A backend that could not be read is declared all the same.
    for (const YamlNode& key : backends->node().keys) names.push_back(key.text);
  }
  if (const auto routes = map.find("routes")) {
    RoutesSection section = read_routes(*routes);
    config.routes = std::move(section.routes);
    if (!map.misspelt("backends")) check_references(section.backends, names, "backend", faults);
  }
}

void read_trust(const Mapping& map, const std::optional<Mark>& first_tls, Config& config, Faults& faults) {
  if (const auto tls = map.find("tls")) config.tls = read_tls(*tls);
  IssuersSection issuers;
  if (const auto value = map.find("issuers")) issuers = read_issuers(*value);
  std::vector<Reference> fallbacks;
  for (const auto& [issuer, fallback] : issuers.fallbacks) fallbacks.push_back(fallback);
  check_references(fallbacks, issuers.declared, "issuer", faults);
  check_fallbacks(issuers, faults);
  if (const auto certificates = map.find("certificates")) {
    CertificatesSection section = read_certificates(*certificates);
    if (!map.misspelt("issuers")) check_references(section.issuers, issuers.declared, "issuer", faults);
    check_issued(section, issuers, faults);
    config.certificates = std::move(section.sources);
  }
  config.issuers = std::move(issuers.issuers);
  if (first_tls && config.certificates.empty() && !map.misspelt("certificates")) {
    faults.add(*first_tls, "a listener with TLS and no certificate", "at least one entry in `certificates`");
  }
  if (const auto azure = map.find("azure")) config.azure = read_azure(*azure);
  if (const auto mirrors = map.find("mirrors")) config.mirrors = read_mirrors(*mirrors);
}

Config read_configuration(const Value& root, Use use) {
  const Mapping map(root, keys::configuration);
  Faults& faults = root.scope().faults;
  Config config;
  if (const auto workers = map.find("workers")) config.workers = read_workers(*workers);
  if (map.has("state_directory")) {
    config.state_directory = map.path("state_directory");
  } else if (use == Use::alone) {
    config.state_directory = default_state_directory();
  }
  ListenersSection listeners;
  const auto listened = use == Use::alone ? map.require("listeners") : map.find("listeners");
  if (listened) listeners = read_listeners(*listened);
  if (use == Use::base) listeners.first_tls.reset();
  config.listeners = std::move(listeners.listeners);
  if (const auto admin = map.find("admin")) config.admin = read_admin(*admin, config.listeners);
  config.access_log = map.choice("access_log", config.access_log, access_logs);
  read_trust(map, listeners.first_tls, config, faults);
  read_traffic(map, config, faults);
  config.https_port = static_cast<std::uint16_t>(map.number("https_port", config.https_port, {1, 65535}));
  config.trusted_proxies = read_networks(map.find("trusted_proxies"));
  if (const auto limits = map.find("limits")) config.limits = read_limits(*limits);
  if (const auto timeouts = map.find("timeouts")) config.timeouts = read_timeouts(*timeouts);
  if (const auto drain = map.find("drain")) config.drain = read_drain(*drain);
  return config;
}

}  // namespace

std::expected<Config, Diagnostics> parse(std::string_view text, const std::filesystem::path& file, Use use) {
  Faults faults(file.string());
  const auto tree = read_yaml(text, bounds, faults);
  if (!tree) return std::unexpected(faults.take());
  const Scope scope{faults, file.parent_path()};
  Config config = read_configuration(Value(*tree, scope), use);
  if (!faults.empty()) return std::unexpected(faults.take());
  return config;
}

std::expected<Config, Diagnostics> load(const std::filesystem::path& file, Use use) {
  const auto text = base::read_file(file, bounds.bytes);
  if (text) return parse(*text, file, use);
  // The message of a failed read begins with the path, which the diagnostic says itself.
  std::string what = text.error().what;
  const std::string prefix = file.string() + ": ";
  if (what.starts_with(prefix)) what.erase(0, prefix.size());
  return std::unexpected(Diagnostics{{file.string(), 0, 0, "no text (" + what + ")", "a configuration file"}});
}

}  // namespace config
