#include "app/webhook.h"

#include <algorithm>
#include <utility>

#include "app/api.h"
#include "base/json.h"
#include "base/keep_running.h"
#include "base/log.h"
#include "base/wait.h"
#include "kube/admission.h"
#include "kube/wipe_data.h"

namespace app {
namespace {

using namespace std::chrono_literals;

constexpr kube::Resource configurations{"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
                                        "ValidatingWebhookConfiguration", kube::Resource::Scope::cluster};
constexpr auto secret_name = "sekisho-webhook";
constexpr auto path = "/validate";
// An Ingress of a thousand paths, twice, has some 600 KiB.
constexpr std::size_t largest_review = 1U << 20U;
constexpr std::size_t most_connections = 32;
// The API server waits ten seconds unless its configuration says otherwise.
constexpr std::chrono::milliseconds patience = 10s;
constexpr std::chrono::milliseconds look_again_after_failure = 2s;

AdminAnswer refusal(unsigned status, const std::string& why) {
  return {status, "application/json", dump(Json{{"error", why}})};
}

base::Error error_of(kube::ApiFailure failure) {
  return std::move(failure.error);
}

}  // namespace

base::Result<std::unique_ptr<Webhook>> Webhook::start(Options options) {
  std::unique_ptr<Webhook> webhook(new Webhook(std::move(options)));
  Webhook* const self = webhook.get();
  auto server = SmallServer::start({.name = "admission webhook",
                                    .address = self->options_.address,
                                    .handler = [self](const AdminRequest& request) { return self->answer(request); },
                                    .connections = most_connections,
                                    .timeout = patience,
                                    .largest_body = largest_review,
                                    .certificate =
                                        [self] {
                                          const std::lock_guard lock(self->mutex_);
                                          return self->shown_;
                                        }});
  if (!server) return std::unexpected(std::move(server.error()));
  webhook->server_ = *std::move(server);
  webhook->keeper_ = std::jthread([self](const std::stop_token& stop) {
    base::keep_running("certificate of the webhook", stop, [&] { self->keep(stop); });
  });
  return webhook;
}

AdminAnswer Webhook::answer(const AdminRequest& request) const {
  const std::string_view target = std::string_view(request.target).substr(0, request.target.find('?'));
  if (target != path) return refusal(404, "no such page");
  if (request.method != "POST") return refusal(405, "only POST");
  if (!request.content_type.starts_with("application/json")) return refusal(415, "Content-Type: application/json");
  // Before everything is known, what is taken is not.
  if (!options_.control.synced()) return refusal(503, "the cluster is not known yet");
  const auto review = base::parse_json(request.body);
  if (review.is_discarded()) return refusal(400, "the body is no JSON");
  const auto answered =
      kube::answer_review(review, [this](const nlohmann::json& ingress) { return options_.control.judge(ingress); });
  if (!answered) return refusal(400, answered.error().what);
  return {200, "application/json", base::json_line(*answered)};
}

void Webhook::keep(const std::stop_token& stop) {
  const auto usual = std::clamp<std::chrono::milliseconds>(options_.lifetime / 15, 1s, 30s);
  std::string said;
  for (;;) {
    const auto looked = look(stop);
    if (stop.stop_requested()) return;
    const std::string problem = looked ? "" : looked.error().what;
    if (problem != said && !problem.empty()) {
      base::log::warning("admission webhook: its certificate is not kept", {{"error", problem}});
    }
    said = problem;
    if (!base::wait_for(looked ? usual : look_again_after_failure, stop)) return;
  }
}

base::Result<void> Webhook::look(const std::stop_token& stop) {
  nlohmann::json configuration;
  if (!options_.configuration.empty()) {
    auto found = options_.client.get(configurations, {"", options_.configuration}, stop);
    if (!found) return std::unexpected(error_of(std::move(found.error())));
    configuration = *std::move(found);
  }
  auto kept = identity(configuration, stop);
  if (!kept) return std::unexpected(std::move(kept.error()));
  const std::string bundle = kept->bundle();
  // What is shown is believed first, by whoever believes what is there now or what is told next.
  if (!configuration.is_null() && kube::believed_bundle(configuration) != bundle) {
    kube::set_bundle(configuration, bundle);
    const auto told = options_.client.update(configurations, configuration, {}, stop);
    if (!told) return std::unexpected(error_of(told.error()));
  }
  const std::lock_guard lock(mutex_);
  shown_ = kept->shown();
  return {};
}

// As it is kept now: read, and brought on by a step where one is due.
base::Result<kube::WebhookIdentity> Webhook::identity(const nlohmann::json& configuration,
                                                      const std::stop_token& stop) {
  const kube::ObjectName name{options_.home, secret_name};
  std::vector<std::string> names = kube::webhook_names(configuration);
  if (names.empty()) names = {std::string(secret_name) + "." + options_.home + ".svc"};
  for (int attempt = 0;; ++attempt) {
    auto secret = options_.client.get(kube::resources::secrets, name, stop);
    if (!secret && !secret.error().not_found()) return std::unexpected(error_of(std::move(secret.error())));
    kube::WebhookIdentity kept = kube::WebhookIdentity::read(secret ? *secret : nlohmann::json());
    if (secret) kube::wipe_data(*secret);
    const bool is_told_by_others = options_.configuration.empty();
    const auto stepped =
        kept.advance({.names = names,
                      .believed = is_told_by_others ? kept.bundle() : kube::believed_bundle(configuration),
                      .lifetime = options_.lifetime,
                      .now = options_.client.clock().now()});
    if (!stepped) return std::unexpected(stepped.error());
    if (!*stepped) return kept;
    nlohmann::json next = kept.secret(name);
    const auto written = secret ? options_.client.update(kube::resources::secrets, next, {}, stop)
                                : options_.client.create(kube::resources::secrets, next, stop);
    kube::wipe_data(next);
    if (written) return kept;
    // Another replica was first: what it wrote is as good.
    if (!written.error().conflict() || attempt == 2) return std::unexpected(error_of(written.error()));
  }
}

}  // namespace app
