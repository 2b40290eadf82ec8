// What `sekisho ingress` runs with, made from the words on its command line and, where one is named, a file. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "app/secret_copies.h"
#include "config/config.h"
#include "kube/certificate_controller.h"
#include "kube/certificate_plan.h"
#include "kube/resource.h"
#include "kube/translator.h"

namespace app {

struct IngressWords {
  std::vector<std::string> classes{"sekisho"};
  std::string listen;  // empty: as the file says, else :8443
  std::string http;    // empty: as the file says, else :8080; "off"
  std::string admin;
  std::string state_directory;
  std::string publish_service;
  std::vector<std::string> publish_addresses;
  std::string name_space;  // empty: all
  std::vector<std::string> trusted_proxies;
  std::string default_backend;
  std::string default_issuer;              // [KIND/]NAME
  std::string cluster_resource_namespace;  // empty: where this process lives
  std::vector<std::string> nameservers;
  std::string preflight = "enforce";
  std::uint16_t challenge_http_port = 80;
  std::uint16_t challenge_tls_port = 443;
  std::string beside_cert_manager = "stand-aside";
  bool mirrors = false;
  bool key_vault_objects = false;
  std::vector<std::string> copies;                  // HOST=NAMESPACE/SECRET
  std::string webhook;                              // where the API server asks; empty: nowhere
  std::string webhook_configuration;                // the name of the ValidatingWebhookConfiguration
  std::uint32_t webhook_lifetime = 90 * 24 * 3600;  // of its certificate, in seconds
  std::string kubeconfig;
  std::string context;
  std::string config;  // the file
  std::string log = "text";
};

struct IngressSetup {
  kube::Translator::Options translation;
  std::optional<kube::ObjectName> publish_service;
  std::optional<config::SocketAddress> webhook;
  std::vector<SecretCopy> copies;
  kube::IssuingRules rules;  // cluster_namespace may be empty
  kube::CertificateController::Options::Beside beside = kube::CertificateController::Options::Beside::stand_aside;
};

template <class T>
using Worded = std::expected<T, std::vector<std::string>>;  // or what is wrong with the words, a sentence each

// What does not depend on the file.
[[nodiscard]] Worded<IngressSetup> ingress_setup(const IngressWords& words);
// `base` with what the words say instead or besides.
[[nodiscard]] Worded<config::Config> ingress_configuration(const IngressWords& words, config::Config base);

}  // namespace app
