#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/admin_client.h"
#include "app/cluster_certificates.h"
#include "app/cluster_questions.h"
#include "app/cluster_vaults.h"
#include "app/commands.h"
#include "app/control_loop.h"
#include "app/ingress_configuration.h"
#include "app/ingress_control.h"
#include "app/process_limits.h"
#include "app/self_made_certificate.h"
#include "app/signals.h"
#include "app/vault_request.h"
#include "app/webhook.h"
#include "base/clock.h"
#include "base/keep_running.h"
#include "base/log.h"
#include "base/wait.h"
#include "config/parse.h"
#include "kube/access.h"
#include "kube/cluster_findings.h"
#include "kube/key_vault_kinds.h"
#include "kube/object_names.h"
#include "kube/shared_ticket_keys.h"

namespace app {
namespace {

constexpr std::chrono::seconds patience_with_ticket_keys{3};
constexpr std::chrono::seconds patience_with_vaults{10};
constexpr std::chrono::seconds between_copies{1};        // at least, however much changes
constexpr std::chrono::seconds look_at_copies_every{5};  // who leads may have changed, and what is valid

ExitCode misused(const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) fmt::print(stderr, "sekisho ingress: {}\n", problem);
  return ExitCode::usage;
}

ExitCode refused(const config::Diagnostics& diagnostics) {
  for (const config::Diagnostic& diagnostic : diagnostics) fmt::print(stderr, "{}\n", diagnostic.to_string());
  return ExitCode::no;
}

ExitCode fail(const base::Error& error) {
  base::log::error("cannot start", {{"error", error.what}});
  return ExitCode::no;
}

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// The file as the words change it. Words that were good once are good again, unless the file contradicts them.
std::expected<config::Config, config::Diagnostics> load(const IngressWords& words) {
  config::Config base;
  if (!words.config.empty()) {
    auto parsed = config::load(words.config, config::Use::base);
    if (!parsed) return parsed;
    base = *std::move(parsed);
  }
  auto configuration = ingress_configuration(words, std::move(base));
  if (configuration) return *std::move(configuration);
  config::Diagnostics diagnostics;
  for (const std::string& problem : configuration.error()) {
    diagnostics.push_back({.file = "command line", .found = problem, .expected = "words that can be obeyed"});
  }
  return std::unexpected(std::move(diagnostics));
}

base::Result<std::shared_ptr<kube::Access>> access_to_cluster(const IngressWords& words) {
  const bool asked_for = !words.kubeconfig.empty() || !words.context.empty();
  if (auto cluster = kube::in_cluster(); cluster && !asked_for) {
    // For who is told elsewhere than every Pod is.
    if (const std::string folder = environment("KUBERNETES_SERVICE_ACCOUNT_DIRECTORY"); !folder.empty()) {
      cluster->folder = folder;
    }
    return kube::make_in_cluster_access(*cluster);
  }
  const auto files =
      words.kubeconfig.empty() ? kube::kubeconfig_files() : std::vector<std::filesystem::path>{words.kubeconfig};
  return kube::make_kubeconfig_access(files, words.context, base::system_clock());
}

std::string instance_name() {
  if (std::string pod = environment("POD_NAME"); !pod.empty()) return pod;
  std::string host(256, '\0');
  if (::gethostname(host.data(), host.size() - 1) != 0) return "sekisho";
  return host.c_str();
}

// The Pod, and something that no other process has had.
std::string identity() {
  const std::string process = kube::process_identity();
  return instance_name() + process.substr(std::min(process.rfind('_'), process.size()));
}

// What the admin endpoint may ask, from the time when it is there to the time when it ends.
class RunningParts {
 public:
  struct Parts {
    const IngressControl* control = nullptr;
    const ClusterCertificates* issuing = nullptr;
    ClusterQuestions* questions = nullptr;
    const kube::SharedTicketKeys* ticket_keys = nullptr;
  };
  void show(Parts parts) {
    const std::lock_guard lock(mutex_);
    parts_ = parts;
  }
  void describe(Observation& seen) const {
    const std::lock_guard lock(mutex_);
    if (parts_.control != nullptr) parts_.control->describe(*seen.cluster);
    if (parts_.issuing != nullptr) parts_.issuing->describe(seen);
    if (parts_.ticket_keys != nullptr) seen.cluster->ticket_keys = parts_.ticket_keys->state();
  }
  [[nodiscard]] std::optional<AdminAnswer> answer(const AdminRequest& request) {
    const std::lock_guard lock(mutex_);
    return parts_.questions == nullptr ? std::nullopt : parts_.questions->answer(request);
  }

 private:
  mutable std::mutex mutex_;
  Parts parts_;
};

// Certificates in vaults that objects of the cluster name.
void connect(ClusterVaults& vaults, AzureSide& azure) {
  vaults.connect({.request =
                      [&azure](const kube::VaultRead& read) {
                        return vault_request(read, azure.config().cloud, azure.services()->endpoints.key_vault_suffix);
                      },
                  .follow = [&azure](const config::KeyVaultCertificate& what) { return azure.follow(what); }});
}

std::string lease_of(const IngressWords& words) {
  return "ingress " + words.classes.front();
}

kube::ClusterQuestion question_of(const std::shared_ptr<kube::Access>& access, const IngressWords& words,
                                  const IngressSetup& setup, const config::Config& config, const std::string& home) {
  kube::ClusterQuestion question{
      .access = access,
      .rights = {.served = words.name_space,
                 .home = home,
                 .mirrors = words.mirrors ? kube::RightsWanted::Mirrors::on : kube::RightsWanted::Mirrors::off,
                 .vault_objects = words.key_vault_objects ? kube::RightsWanted::VaultObjects::on
                                                          : kube::RightsWanted::VaultObjects::off,
                 .webhook_configuration = words.webhook_configuration,
                 .copies = {}},
      .lease = lease_of(words),
      .classes = words.classes,
      .publish_service = setup.publish_service,
      .ports = {},
      .beside = setup.beside};
  std::set<std::string> copies;
  for (const SecretCopy& copy : setup.copies) copies.insert(copy.secret.name_space);
  question.rights.copies.assign(copies.begin(), copies.end());
  for (const config::Listener& listener : config.listeners) question.ports.push_back(listener.address.port);
  return question;
}

void keep_copies(SecretCopies& copies, Gateway& gateway, const std::stop_token& stop) {
  while (base::wait_for(between_copies, stop)) {
    const Observation seen = gateway.observe();
    copies.look(seen);
    gateway.wait_for_change(seen.snapshot ? seen.snapshot->generation : 0, look_at_copies_every, stop);
  }
}

ExitCode ingress(IngressWords words) {
  block_signals();
  raise_open_file_limit();
  base::log::set_format(words.log == "json" ? base::log::Format::json : base::log::Format::text);
  for (std::string* path : {&words.config, &words.state_directory}) {
    if (!path->empty()) *path = std::filesystem::absolute(*path).lexically_normal();
  }
  auto setup = ingress_setup(words);
  if (!setup) return misused(setup.error());
  if (words.config.empty()) {
    if (const auto checked = ingress_configuration(words, {}); !checked) return misused(checked.error());
  }
  auto configuration = load(words);
  if (!configuration) return refused(configuration.error());
  auto access = access_to_cluster(words);
  if (!access) return fail(std::move(access.error()).in("the cluster"));

  kube::Client client(*access);
  const std::string own_namespace = environment("POD_NAMESPACE");
  const std::string home = own_namespace.empty() ? client.own_namespace() : own_namespace;
  const std::string own_identity = identity();
  if (setup->rules.cluster_namespace.empty()) setup->rules.cluster_namespace = home;
  ClusterDuties duties(client, {.name_space = home,
                                .identity = own_identity,
                                .instance = instance_name(),
                                .lease = lease_of(words),
                                .mirrors = {.mirrors = words.mirrors ? kube::MirrorWriter::Mirrors::on
                                                                     : kube::MirrorWriter::Mirrors::off}});
  if (!words.publish_addresses.empty()) duties.status().publish(kube::addresses_of(words.publish_addresses));

  auto secrets = std::make_unique<kube::SecretSource>();
  kube::SecretSource& secret_source = *secrets;
  RunningParts running;
  Gateway::Options options{.config = *std::move(configuration),
                           .assumed_admin = default_admin_address(),
                           .listening = Gateway::Options::Listening::later};
  options.sources.push_back(std::make_unique<SelfMadeCertificate>(base::system_clock()));
  options.sources.push_back(std::move(secrets));
  ClusterVaults* vaults = nullptr;  // of the gateway; null: not asked for
  std::vector<kube::Resource> vault_kinds;
  if (words.key_vault_objects) {
    auto source = std::make_unique<ClusterVaults>();
    vaults = source.get();
    options.sources.push_back(std::move(source));
    vault_kinds = kube::key_vault_kinds(**access, {});
  }
  SecretCopies copies(client, setup->copies, base::system_clock());
  options.observe_more = [&](Observation& seen) {
    seen.cluster.emplace();
    running.describe(seen);
    duties.describe(*seen.cluster);
    for (MirrorView& view : copies.views()) seen.mirrors.push_back(std::move(view));
  };
  options.answer_more = [&](const AdminRequest& request) { return running.answer(request); };
  options.examine_more = [&, question = question_of(*access, words, *setup, options.config, home)](
                             const std::stop_token& stop) { return kube::examine_cluster(client, question, stop); };

  EventQueue events;
  const SignalThread signals(events);
  auto gateway = Gateway::start(std::move(options));
  if (!gateway) return fail(gateway.error());

  if (vaults != nullptr) connect(*vaults, (*gateway)->azure());
  kube::SharedTicketKeys ticket_keys(
      client, {.secret = {home, kube::object_name_for("sekisho-ticket-keys", words.classes.front())},
               .period = [&] { return std::chrono::seconds((*gateway)->config()->tls.ticket_rotation); },
               .publish = [&](auto keys) { (*gateway)->share_ticket_keys(std::move(keys)); }});
  ClusterCertificates certificates({.client = client,
                                    .gateway = **gateway,
                                    .duties = duties,
                                    .home = home,
                                    .identity = own_identity,
                                    .name_space = words.name_space,
                                    .rules = setup->rules,
                                    .beside = setup->beside});
  std::atomic<bool> failed{false};
  IngressControl control(**gateway, {.client = client,
                                     .translation = setup->translation,
                                     .watches = {.name_space = words.name_space},
                                     .publish_service = setup->publish_service,
                                     .duties = duties,
                                     .secrets = secret_source,
                                     .receivers = {[&](const kube::Changes& changes) { certificates.take(changes); },
                                                   // Before anybody gets a ticket that others cannot open.
                                                   [&](const kube::Changes& /*changes*/) {
                                                     ticket_keys.wait_until_known(patience_with_ticket_keys);
                                                   }},
                                     .vault_kinds = std::move(vault_kinds),
                                     .vaults =
                                         [&, first = true](const kube::VaultChanges& changes) mutable {
                                           if (vaults == nullptr) return;
                                           vaults->take(changes);
                                           // Before anybody is shown another certificate than these.
                                           if (std::exchange(first, false))
                                             vaults->wait_until_known(patience_with_vaults);
                                         },
                                     .failed =
                                         [&](const base::Error& error) {
                                           failed = true;
                                           fail(error);
                                           events.put(Event::stop);
                                         }});
  ClusterQuestions questions(
      {.client = client, .control = control, .observe = [&serving = **gateway] { return serving.observe(); }});
  std::unique_ptr<Webhook> webhook;
  if (setup->webhook) {
    auto started = Webhook::start({.client = client,
                                   .control = control,
                                   .address = *setup->webhook,
                                   .home = home,
                                   .configuration = words.webhook_configuration,
                                   .lifetime = std::chrono::seconds(words.webhook_lifetime)});
    if (!started) return fail(started.error());
    webhook = *std::move(started);
    base::log::info("admission webhook", {{"address", webhook->address().to_string()}});
  }
  std::jthread look_for_copies;
  if (!setup->copies.empty()) {
    look_for_copies = std::jthread([&copies, &serving = **gateway](const std::stop_token& stop) {
      base::keep_running("copies in Secrets", stop, [&] { keep_copies(copies, serving, stop); });
    });
  }
  running.show({.control = &control, .issuing = &certificates, .questions = &questions, .ticket_keys = &ticket_keys});
  run_control_loop(**gateway, events, {.path = words.config, .load = [&words] { return load(words); }});
  duties.leave();
  running.show({});
  return failed ? ExitCode::no : ExitCode::done;
}

}  // namespace

void add_ingress_command(CLI::App& app, Command& chosen) {
  CLI::App* const command = app.add_subcommand("ingress", "Run the gateway, configured by the Kubernetes API");
  const auto words = std::make_shared<IngressWords>();
  const auto add = [&](const char* name, std::string& into, const char* description, const char* type) {
    return command->add_option(name, into, description)->type_name(type);
  };
  command->add_option("--class", words->classes, "Names of IngressClasses to serve; may be repeated")
      ->type_name("NAME")
      ->capture_default_str();
  add("--listen", words->listen, "Where to listen for HTTPS [:8443]", "ADDR");
  add("--http", words->http, "Where to listen for HTTP; \"off\": nowhere [:8080]", "ADDR");
  add("--admin", words->admin, "Admin address [127.0.0.1:9180 if it is free]", "ADDR");
  add("--state-directory", words->state_directory, "Keeps ticket keys over a restart; nothing needs it", "DIR");
  add("--namespace", words->name_space, "Serve this namespace alone, with no right beyond it", "NAME");
  add("--publish-service", words->publish_service, "The Service whose addresses Ingresses say they are reached at",
      "NS/NAME");
  command->add_option("--publish-address", words->publish_addresses, "The same, given by hand; may be repeated")
      ->type_name("ADDR");
  add("--default-backend", words->default_backend, "Gets what no Ingress wants; without it that is 404",
      "NS/SERVICE:PORT");
  command
      ->add_option("--trusted-proxies", words->trusted_proxies,
                   "Networks whose X-Forwarded-* headers are believed, with commas between them; may be repeated")
      ->type_name("CIDR")
      ->delimiter(',');
  add("--default-issuer", words->default_issuer, "Issues for Ingresses with kubernetes.io/tls-acme and no issuer",
      "[KIND/]NAME");
  add("--cluster-resource-namespace", words->cluster_resource_namespace,
      "Where the Secrets of ClusterIssuers are [where this runs]", "NAME");
  command
      ->add_option("--beside-cert-manager", words->beside_cert_manager,
                   "What to do where cert-manager runs too: stand-aside or ignore")
      ->check(CLI::IsMember({"stand-aside", "ignore"}))
      ->capture_default_str();
  command->add_flag("--mirrors", words->mirrors,
                    "Copy certificates' Secrets into other namespaces, where both sides ask for it");
  command->add_flag("--key-vault-objects", words->key_vault_objects,
                    "Read the certificates of SecretProviderClasses and ExternalSecrets from Key Vault");
  command->add_option("--copy", words->copies, "Keeps what is served for a host in a Secret as well; may be repeated")
      ->type_name("HOST=NAMESPACE/SECRET");
  command
      ->add_option("--nameserver", words->nameservers, "Asked before a CA is, and for DNS challenges; may be repeated")
      ->type_name("ADDR");
  command->add_option("--preflight", words->preflight, "What a CA will find is looked at before: enforce, warn or off")
      ->check(CLI::IsMember({"enforce", "warn", "off"}))
      ->capture_default_str();
  command
      ->add_option("--challenge-http-port", words->challenge_http_port, "For a test CA that asks elsewhere than at 80")
      ->group("Tests");
  command->add_option("--challenge-tls-port", words->challenge_tls_port, "The same for 443")->group("Tests");
  add("--webhook", words->webhook, "Where the API server asks, over TLS, before an Ingress is written", "ADDR");
  add("--webhook-configuration", words->webhook_configuration,
      "The ValidatingWebhookConfiguration that is told which certificate to believe", "NAME");
  command->add_option("--webhook-lifetime", words->webhook_lifetime, "Of the webhook's certificate, in seconds")
      ->check(CLI::Range(10U, 31'536'000U))
      ->group("Tests");
  add("--config,-c", words->config, "What Ingresses cannot say: limits, timeouts, TLS, more routes (YAML or JSON)",
      "FILE");
  add("--kubeconfig", words->kubeconfig, "The cluster, where it is not the one that this runs in", "FILE");
  add("--context", words->context, "A context of the kubeconfig", "NAME");
  command->add_option("--log", words->log, "Form of the process log on standard error")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->footer(
      "Inside a cluster the service account of the Pod is used, elsewhere the kubeconfig.\n\n"
      "Examples:\n"
      "  sekisho ingress --class nginx --publish-service sekisho/sekisho\n"
      "  sekisho ingress --kubeconfig ~/.kube/config --namespace shop --listen 127.0.0.1:8443 --http off");
  command->callback([&chosen, words] { chosen = [words] { return ingress(*words); }; });
}

}  // namespace app
