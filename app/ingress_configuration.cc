#include "app/ingress_configuration.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/ip_network.h"
#include "config/faults.h"
#include "config/host_names.h"
#include "config/sections.h"

namespace app {
namespace {

using Problems = std::vector<std::string>;

void refuse(Problems& problems, std::string_view option, std::string_view found, std::string_view expected) {
  problems.push_back(fmt::format("{}: found {}, expected {}", option, config::quote(found), expected));
}

// RFC 1123 §2.1 as the API has it, for a namespace or the name of a Service.
bool is_label(std::string_view text) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, good) && text.front() != '-' &&
         text.back() != '-';
}

std::optional<kube::ObjectName> parse_object(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  kube::ObjectName name{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  if (!is_label(name.name_space) || !is_label(name.name)) return std::nullopt;
  return name;
}

std::optional<kube::Translator::DefaultBackend> parse_backend(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto service = parse_object(text.substr(0, colon));
  const std::string_view port = text.substr(colon + 1);
  if (!service || port.empty()) return std::nullopt;
  kube::Translator::DefaultBackend backend{.service = *std::move(service), .port = {}};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), backend.port.number);
  const bool is_number = error == std::errc() && end == port.data() + port.size();
  if (is_number) return backend.port.number == 0 ? std::nullopt : std::optional(std::move(backend));
  backend.port.number = 0;
  const bool only_digits = port.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_label(port) || only_digits) return std::nullopt;
  backend.port.name = port;
  return backend;
}

// "letsencrypt", "Issuer/letsencrypt"
std::optional<kube::IssuerRef> parse_issuer(std::string_view text) {
  const std::size_t slash = text.find('/');
  kube::IssuerRef issuer{.name = std::string(slash == std::string_view::npos ? text : text.substr(slash + 1)),
                         .kind = std::string(slash == std::string_view::npos ? "ClusterIssuer" : text.substr(0, slash)),
                         .group = "cert-manager.io"};
  const bool known = issuer.kind == "Issuer" || issuer.kind == "ClusterIssuer";
  if (!known || issuer.name.empty()) return std::nullopt;
  return issuer;
}

void read_issuing(const IngressWords& words, IngressSetup& setup, Problems& problems) {
  if (!words.default_issuer.empty()) {
    setup.translation.default_issuer = parse_issuer(words.default_issuer);
    if (!setup.translation.default_issuer) {
      refuse(problems, "--default-issuer", words.default_issuer, "a name, Issuer/NAME or ClusterIssuer/NAME");
    }
  }
  const std::string& resources = words.cluster_resource_namespace;
  if (!resources.empty() && !is_label(resources)) {
    refuse(problems, "--cluster-resource-namespace", resources, "the name of a namespace");
  }
  setup.rules.cluster_namespace = resources;
  for (const std::string& server : words.nameservers) {
    auto address = config::parse_nameserver(server);
    if (!address) {
      refuse(problems, "--nameserver", server, address.error());
    } else {
      setup.rules.nameservers.push_back(*std::move(address));
    }
  }
  using config::Preflight;
  setup.rules.preflight = words.preflight == "off"    ? Preflight::off
                          : words.preflight == "warn" ? Preflight::warn
                                                      : Preflight::enforce;
  setup.rules.http_port = words.challenge_http_port;
  setup.rules.tls_port = words.challenge_tls_port;
  using Beside = kube::CertificateController::Options::Beside;
  setup.beside = words.beside_cert_manager == "ignore" ? Beside::ignore : Beside::stand_aside;
}

void read_webhook(const IngressWords& words, IngressSetup& setup, Problems& problems) {
  if (words.webhook.empty()) {
    if (!words.webhook_configuration.empty()) problems.emplace_back("--webhook-configuration: it needs --webhook");
    return;
  }
  auto address = config::parse_socket_address(words.webhook);
  if (!address) return refuse(problems, "--webhook", words.webhook, address.error());
  setup.webhook = *std::move(address);
}

// RFC 1123 §2.1 as the API has it for Secrets: labels with dots between them.
bool is_subdomain(std::string_view text) {
  if (text.size() > 253) return false;
  while (!text.empty()) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    const bool is_last = dot == text.size();
    if (!is_label(text.substr(0, dot))) return false;
    if (is_last) return true;
    text.remove_prefix(dot + 1);
  }
  return false;
}

// "www.example.com=shop/web-tls"
std::optional<SecretCopy> parse_copy(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  const std::size_t slash = text.rfind('/');
  if (equals == std::string_view::npos || equals == 0 || slash == std::string_view::npos || slash < equals) {
    return std::nullopt;
  }
  const std::string_view name_space = text.substr(equals + 1, slash - equals - 1);
  const std::string_view name = text.substr(slash + 1);
  if (!is_label(name_space) || !is_subdomain(name)) return std::nullopt;
  return SecretCopy{.host = std::string(text.substr(0, equals)),
                    .secret = {std::string(name_space), std::string(name)}};
}

void read_copies(const IngressWords& words, IngressSetup& setup, Problems& problems) {
  for (const std::string& text : words.copies) {
    auto copy = parse_copy(text);
    if (!copy) {
      refuse(problems, "--copy", text, "HOST=NAMESPACE/SECRET");
    } else if (!words.name_space.empty() && copy->secret.name_space != words.name_space) {
      refuse(problems, "--copy", text,
             fmt::format("a Secret of namespace {}, the only one that is read", words.name_space));
    } else if (std::ranges::find(setup.copies, copy->secret, &SecretCopy::secret) != setup.copies.end()) {
      refuse(problems, "--copy", text, "each Secret only once");
    } else {
      setup.copies.push_back(*std::move(copy));
    }
  }
}

void read_listener(const std::string& text, std::string_view option, bool tls, config::Config& into,
                   Problems& problems) {
  auto address = config::parse_socket_address(text);
  if (!address) return refuse(problems, option, text, address.error());
  into.listeners.push_back({.address = *std::move(address), .tls = tls, .proxy_protocol_from = {}});
}

// The words say where to listen, or the file, or nobody.
void read_listeners(const IngressWords& words, config::Config& into, Problems& problems) {
  const bool none = into.listeners.empty();
  const auto of_kind = [](bool tls) { return [tls](const config::Listener& one) { return one.tls == tls; }; };
  if (!words.listen.empty()) std::erase_if(into.listeners, of_kind(true));
  if (!words.http.empty()) std::erase_if(into.listeners, of_kind(false));
  if (none || !words.listen.empty()) {
    read_listener(words.listen.empty() ? ":8443" : words.listen, "--listen", true, into, problems);
  }
  if (words.http != "off" && (none || !words.http.empty())) {
    read_listener(words.http.empty() ? ":8080" : words.http, "--http", false, into, problems);
  }
}

bool leads_listeners_to_whatever_is_issued(const config::Config& config) {
  return std::ranges::any_of(config.mirrors, [](const config::Mirror& mirror) {
    const auto* const gateway = std::get_if<config::ApplicationGatewayMirror>(&mirror.to);
    return gateway != nullptr && !gateway->listeners.empty() && gateway->certificates.empty();
  });
}

}  // namespace

Worded<IngressSetup> ingress_setup(const IngressWords& words) {
  IngressSetup setup;
  Problems problems;
  for (const std::string& name : words.classes) {
    if (name.empty()) refuse(problems, "--class", name, "the name of an IngressClass");
  }
  setup.translation.classes.taken_over = words.classes;
  if (!words.publish_service.empty()) {
    setup.publish_service = parse_object(words.publish_service);
    if (!setup.publish_service) refuse(problems, "--publish-service", words.publish_service, "NAMESPACE/NAME");
    if (!words.publish_addresses.empty()) {
      problems.emplace_back("--publish-service and --publish-address: found both, expected one of them");
    }
    if (setup.publish_service && !words.name_space.empty() && setup.publish_service->name_space != words.name_space) {
      refuse(problems, "--publish-service", words.publish_service,
             fmt::format("a Service of namespace {}, the only one that is read", words.name_space));
    }
  }
  for (const std::string& address : words.publish_addresses) {
    if (!base::IpAddress::parse(address) && !config::parse_host_name(address)) {
      refuse(problems, "--publish-address", address, "an IP address or a host name");
    }
  }
  if (!words.name_space.empty() && !is_label(words.name_space)) {
    refuse(problems, "--namespace", words.name_space, "the name of a namespace");
  }
  if (words.mirrors && !words.name_space.empty()) {
    problems.emplace_back("--mirrors and --namespace: found both, expected one of them");
  }
  if (!words.default_backend.empty()) {
    setup.translation.default_backend = parse_backend(words.default_backend);
    if (!setup.translation.default_backend) {
      refuse(problems, "--default-backend", words.default_backend, "NAMESPACE/SERVICE:PORT");
    } else if (!words.name_space.empty() && setup.translation.default_backend->service.name_space != words.name_space) {
      refuse(problems, "--default-backend", words.default_backend,
             fmt::format("a Service of namespace {}, the only one that is read", words.name_space));
    }
  }
  read_webhook(words, setup, problems);
  read_copies(words, setup, problems);
  read_issuing(words, setup, problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return setup;
}

Worded<config::Config> ingress_configuration(const IngressWords& words, config::Config base) {
  Problems problems;
  read_listeners(words, base, problems);
  if (!words.admin.empty()) {
    auto address = config::parse_socket_address(words.admin);
    if (!address) {
      refuse(problems, "--admin", words.admin, address.error());
    } else {
      if (!base.admin) base.admin.emplace();
      base.admin->address = *std::move(address);
    }
  }
  if (!words.state_directory.empty()) base.state_directory = words.state_directory;
  for (const std::string& text : words.trusted_proxies) {
    const auto network = base::IpNetwork::parse(text);
    if (!network) {
      refuse(problems, "--trusted-proxies", text, "an IP address or a network such as 10.0.0.0/8");
      continue;
    }
    base.trusted_proxies.push_back(*network);
  }
  const bool issues = std::ranges::any_of(base.certificates, [](const config::CertificateSource& source) {
    return std::holds_alternative<config::IssuedCertificate>(source.from);
  });
  if (issues && base.state_directory.empty()) {
    problems.emplace_back("certificates with an issuer in the file need --state-directory");
  }
  if (leads_listeners_to_whatever_is_issued(base)) {
    problems.emplace_back(
        "mirrors: application_gateway: `listeners` need `certificates` beside them: whoever may write a Certificate in "
        "some namespace would get a listener by naming its host");
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return base;
}

}  // namespace app
