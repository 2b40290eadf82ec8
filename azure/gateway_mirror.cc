#include "azure/gateway_mirror.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "azure/failure.h"
#include "base/http_url.h"
#include "base/json.h"
#include "base/log.h"
#include "base/wait.h"
#include "certstore/choice.h"
#include "certstore/secret_bytes.h"

namespace azure {
namespace {

using std::chrono::milliseconds;
using What = MirrorState::What;
using Step = GatewayStep::What;

constexpr unsigned most_rounds = 6;
constexpr unsigned most_writes = 2;
constexpr std::size_t longest_document = 8U << 20U;
constexpr milliseconds usual_poll{10'000};
constexpr milliseconds shortest_poll{1'000};
constexpr milliseconds longest_poll{120'000};
constexpr milliseconds pause_after_loss{15'000};  // to another writer
constexpr milliseconds wait_for_others{60'000};   // whose operation is under way
constexpr std::string_view under_way = "another operation on the gateway is under way";
constexpr milliseconds pause_in_contest{3'600'000};
constexpr std::chrono::minutes contest_interval{60};
constexpr std::size_t contest_count = 3;

// "application gateway rg1/appgw"
std::string place_of(std::string_view id) {
  const auto part_behind = [&](std::string_view kind) {
    for (std::size_t at = 0; at + kind.size() <= id.size(); ++at) {
      if (!same_name(id.substr(at, kind.size()), kind)) continue;
      const std::string_view rest = id.substr(at + kind.size());
      return std::string(rest.substr(0, rest.find('/')));
    }
    return std::string();
  };
  return fmt::format("application gateway {}/{}", part_behind("/resourceGroups/"),
                     part_behind("/applicationGateways/"));
}

// Another writer was faster, or is at it. None of these says that the document was wrong.
bool lost_to_another(const AzureFailure& failure) {
  return failure.throttled() || failure.conflict() || failure.precondition_failed() || failure.status >= 500 ||
         failure.is("AnotherOperationInProgress") || failure.is("RetryableError") ||
         failure.is("CanceledAndSupersededDueToAnotherOperation");
}

// Nobody knows whether it was done.
bool unknown_end(const AzureFailure& failure) {
  return failure.status == 0 && !failure.no_token && failure.error.code != base::Code::cancelled;
}

std::string explained(AzureFailure failure) {
  if (failure.status == 403) {
    failure.error.what +=
        "; the identity has to read and write the gateway (Network Contributor on it), to join its subnet, and to "
        "assign its managed identity (Managed Identity Operator)";
  }
  return acme::shown(failure.error.what, 500);
}

std::string managed_by_agic(const GatewayDocument& there) {
  const auto tags = there.places().member(there.places().whole(), "tags");
  if (!tags || !there.places().member(*tags, "managed-by-k8s-ingress")) return {};
  return " (its tag managed-by-k8s-ingress says: AGIC)";
}

milliseconds poll_of(const base::HttpResponse& response, base::SystemTime now) {
  return std::clamp(wait_in(response, now).value_or(usual_poll), shortest_poll, longest_poll);
}

}  // namespace

GatewayMirror::GatewayMirror(std::shared_ptr<Client> client, Options options)
    : client_(std::move(client)),
      options_([&] {
        if (!options.wait) options.wait = base::wait_for;
        return std::move(options);
      }()),
      where_(place_of(options_.resource_id)) {}

std::string GatewayMirror::url() const {
  return fmt::format("{}{}?api-version={}", options_.resource_manager, options_.resource_id, gateway_api_version);
}

GatewayWant GatewayMirror::want_of(const MirrorItem& item) const {
  GatewayWant want{.name = item.name};
  if (!options_.vault.empty()) want.key_vault_secret_id = fmt::format("{}/secrets/{}", options_.vault, item.name);
  if (!item.refusal.empty()) want.use = GatewayWant::Use::leave;
  if (item.certificate == nullptr) return want;
  const certstore::Facts& facts = item.certificate->facts();
  want.fingerprint = item.certificate->fingerprint();
  want.not_before = facts.not_before;
  want.not_after = facts.not_after;
  // Where one is refused because it is not valid now, sekisho shows another one.
  const bool valid = certstore::validity_at(facts, client_->clock().now()) == certstore::Validity::valid;
  if (item.refusal.empty() || valid) want.hosts = facts.dns_names;
  return want;
}

MirrorOutcome GatewayMirror::reconcile(const std::vector<MirrorItem>& wanted, const std::stop_token& stop) {
  MirrorOutcome outcome;
  Round round{.items = wanted, .wanted = {}, .outcome = outcome};
  for (const MirrorItem& item : wanted) round.wanted.push_back(want_of(item));
  for (unsigned count = 0; count < most_rounds && !stop.stop_requested(); ++count) {
    if (run(round, stop) == Next::done) return outcome;
  }
  outcome.say_of_others(wanted, {What::behind, "others write the gateway all the time; it will be tried again"});
  return outcome;
}

Outcome<GatewayDocument> GatewayMirror::read(const std::stop_token& stop) {
  auto answer = client_->send({.url = url(), .token = options_.token, .body_limit = longest_document}, stop);
  if (!answer) return std::unexpected(std::move(answer.error()));
  auto document = GatewayDocument::parse(std::move(answer->body));
  if (!document) return failed(std::move(document.error()));
  return *std::move(document);
}

GatewayPlan GatewayMirror::plan_for(const GatewayDocument& there, const Round& round) {
  const GatewayRules rules{.name_prefix = options_.name_prefix, .listeners = options_.listeners, .only = options_.only};
  const base::SystemTime now = client_->clock().now();
  using Mend = GatewayRound::Mend;
  GatewayRound known{.mend = failed_ || !mended_ || now - *mended_ >= options_.mend_again ? Mend::now : Mend::not_yet};
  std::map<std::string, base::SystemTime> unused;
  if (options_.prune_after.count() > 0) {
    for (const std::string& name : prunable(there, round.wanted, rules)) {
      const auto before = unused_since_.find(name);
      const base::SystemTime since = before == unused_since_.end() ? now : before->second;
      unused.emplace(name, since);
      if (now - since >= options_.prune_after) known.prune.insert(name);
    }
  }
  unused_since_ = std::move(unused);
  known.taken = [&](const GatewayWant& want) {
    const auto written = written_.find(want.name);
    return written != written_.end() && written->second == want.fingerprint;
  };
  return plan_gateway(there, round.wanted, rules, known);
}

// What was ours when we looked last, and is not any more.
void GatewayMirror::remember(const GatewayPlan& plan, const Round& round) {
  const base::SystemTime now = client_->clock().now();
  std::erase_if(taken_, [&](base::SystemTime at) { return now - at > contest_interval; });
  bool was_taken = false;
  for (const GatewayStep& step : plan.steps) {
    if (step.what != Step::add && step.what != Step::replace) continue;
    const auto want = std::ranges::find(round.wanted, step.name, &GatewayWant::name);
    const auto held = held_.find(step.name);
    was_taken = was_taken || (held != held_.end() && want != round.wanted.end() && held->second == want->fingerprint);
  }
  if (was_taken) taken_.push_back(now);
  held_.clear();
  for (const GatewayWant& want : round.wanted) {
    if (want.use == GatewayWant::Use::leave) continue;
    const auto differs = [&](const GatewayStep& step) { return step.name == want.name && step.what != Step::mend; };
    if (std::ranges::none_of(plan.steps, differs)) held_[want.name] = want.fingerprint;
  }
}

std::string GatewayMirror::contest(const GatewayDocument& there) const {
  if (taken_.size() < contest_count) return {};
  return fmt::format(
      "another controller writes this gateway{} and has taken our certificates away {} times within an hour; it is "
      "left alone for an hour. AGIC shares it with appgw.shared=true and an AzureIngressProhibitedTarget, or by the "
      "annotation appgw.ingress.kubernetes.io/appgw-ssl-certificate that names a certificate of ours",
      managed_by_agic(there), taken_.size());
}

// What the listeners themselves say.
MirrorOutcome::Finding GatewayMirror::asked(const GatewayWant& want, MirrorOutcome::Finding finding,
                                            const std::stop_token& stop) const {
  if (!options_.probe || want.hosts.empty()) return finding;
  std::string host = want.hosts.front();
  if (host.starts_with("*.")) host.replace(0, 1, "sekisho-probe");
  const auto shown = options_.probe(host, stop);
  if (shown && *shown != want.fingerprint) {
    return {What::behind, fmt::format("the gateway holds it, and its listener shows another for {}: {}", host, *shown)};
  }
  if (!shown && finding.problem.empty()) {
    finding.problem = fmt::format("the listener could not be asked: {}", acme::shown(shown.error().what, 200));
  }
  return finding;
}

// What the document says of each certificate.
void GatewayMirror::settle(const GatewayDocument& there, const GatewayPlan& plan, Round& round,
                           const std::stop_token& stop) const {
  for (const std::string& name : plan.doubtful) {
    round.outcome.items.try_emplace(
        name, MirrorOutcome::Finding{What::behind,
                                     "the last operation on the gateway, of somebody else, has failed: it may serve "
                                     "something else than it shows; it will be written anew"});
  }
  const std::string problem = fmt::format("{}", fmt::join(plan.problems, "; "));
  for (const GatewayWant& want : round.wanted) {
    const auto place = there.certificate(want.name);
    const bool unchecked = std::ranges::find(plan.unchecked, want.name) != plan.unchecked.end();
    const bool there_now = place && (unchecked || there.certificates()[*place].shows(want.fingerprint));
    if (there_now) {
      const std::string unseen = unchecked ? "written, but the gateway does not show what it holds" : "";
      MirrorOutcome::Finding finding{What::in_step, problem + unseen};
      if (there.certificates()[*place].referenced) finding = asked(want, std::move(finding), stop);
      round.outcome.items.try_emplace(want.name, std::move(finding));
    } else if (!problem.empty()) {
      round.outcome.items.try_emplace(want.name, MirrorOutcome::Finding{What::refused, problem});
    }
  }
}

GatewayMirror::Next GatewayMirror::run(Round& round, const std::stop_token& stop) {
  auto there = read(stop);
  if (!there) {
    const bool mends = there.error().error.retry != base::Retry::never || there.error().status == 0;
    round.outcome.again = there.error().retry_after;
    round.outcome.blind = true;
    round.outcome.say_of_others(round.items, {mends ? What::behind : What::refused, explained(there.error())});
    return Next::done;
  }
  GatewayPlan plan = plan_for(*there, round);
  remember(plan, round);
  const auto leave = [&](What what, const std::string& problem, std::optional<milliseconds> again) {
    for (const GatewayStep& step : plan.steps) {
      const std::string& certificate = step.what == Step::refer ? step.to : step.name;
      round.outcome.items.try_emplace(certificate, MirrorOutcome::Finding{what, problem});
    }
    // What it shows may be what another has just asked for.
    if (there->updating() && round.writes == 0) {
      round.outcome.say_of_others(round.items, {What::behind, std::string(under_way), true});
    }
    round.outcome.again = again;
    settle(*there, plan, round, stop);
    return Next::done;
  };
  if (plan.steps.empty()) {
    const bool unfinished = there->updating() && round.writes == 0;
    return leave(What::behind, {}, unfinished ? std::optional(wait_for_others) : std::nullopt);
  }
  if (there->stopped()) {
    return leave(What::refused, "the gateway is stopped, and a write would start it: start it, or wait until it is",
                 wait_for_others);
  }
  if (there->updating()) return leave(What::behind, std::string(under_way), wait_for_others);
  const bool only_hastens =
      std::ranges::all_of(plan.steps, [](const GatewayStep& step) { return step.what == Step::hasten; });
  if (round.writes > 0 && (only_hastens || round.writes == most_writes)) {
    return leave(What::behind,
                 only_hastens ? "the gateway has not taken what is in the vault yet"
                              : "the gateway does not hold what was written",
                 std::nullopt);
  }
  if (std::string problem = contest(*there); !problem.empty()) {
    return leave(What::refused, problem, pause_in_contest);
  }
  const auto uploads = uploads_for(plan, round);
  if (std::ranges::any_of(plan.steps,
                          [&](const GatewayStep& step) { return round.outcome.items.contains(step.name); })) {
    plan = plan_for(*there, round);
    if (plan.steps.empty()) {
      settle(*there, plan, round, stop);
      return Next::done;
    }
  }
  auto body = rebuilt(*there, round.wanted, plan, uploads);
  if (!body) return leave(What::behind, body.error().what, std::nullopt);
  if (stop.stop_requested()) return Next::done;
  if (there->failed()) mended_ = client_->clock().now();
  return write(*body, plan, round, stop);
}

// Those that cannot be uploaded are left as they are in this attempt.
std::map<std::string, UploadedPfx> GatewayMirror::uploads_for(const GatewayPlan& plan, Round& round) {
  std::map<std::string, UploadedPfx> uploads;
  if (!options_.vault.empty()) return uploads;
  for (const GatewayStep& step : plan.steps) {
    if (!writes_certificate(step.what)) continue;
    const auto item = std::ranges::find(round.items, step.name, &MirrorItem::name);
    if (item == round.items.end()) continue;
    auto upload = make_upload(*item->certificate, largest_gateway_pfx);
    if (upload) {
      uploads.emplace(step.name, *std::move(upload));
      continue;
    }
    round.outcome.items.try_emplace(step.name, MirrorOutcome::Finding{What::refused, upload.error().what});
    const auto want = std::ranges::find(round.wanted, step.name, &GatewayWant::name);
    if (want != round.wanted.end()) want->use = GatewayWant::Use::leave;
  }
  return uploads;
}

GatewayMirror::Next GatewayMirror::write(const SecretText& body, const GatewayPlan& plan, Round& round,
                                         const std::stop_token& stop) {
  std::vector<std::string> what;
  for (const GatewayStep& step : plan.steps) what.push_back(fmt::format("{} {}", to_string(step.what), step.name));
  base::log::info("an application gateway is written",
                  {{"gateway", where_}, {"changes", fmt::format("{}", fmt::join(what, ", "))}});
  Call call{.method = "PUT",
            .url = url(),
            .token = options_.token,
            .body = std::string(body),
            .retries = 0,
            .body_limit = longest_document};
  const certstore::WipedAtEnd wipe(call.body);
  auto answer = client_->send(call, stop);
  if (!answer) return failed_write(std::move(answer.error()), round, stop);
  Ended ended{.status = "Succeeded", .problem = {}};
  const std::string operation(answer->header("azure-asyncoperation"));
  if (!operation.empty()) ended = await(operation, poll_of(*answer, client_->clock().now()), stop);
  if (stop.stop_requested()) return Next::done;
  if (ended.status == "Succeeded") {
    for (const GatewayStep& step : plan.steps) {
      const auto want = std::ranges::find(round.wanted, step.name, &GatewayWant::name);
      if (want != round.wanted.end()) held_[step.name] = written_[step.name] = want->fingerprint;
    }
    ++round.writes;
    failed_ = false;
    return Next::look_again;
  }
  if (ended.status == "Failed" && !ended.problem.contains("Superseded")) {
    failed_ = true;
    for (const GatewayStep& step : plan.steps) {
      round.outcome.items.try_emplace(
          step.name, MirrorOutcome::Finding{What::behind, "the gateway refused the write: " + ended.problem});
    }
    round.outcome.say_of_others(round.items, {What::behind, "the gateway refused the write: " + ended.problem});
    return Next::done;
  }
  base::log::info("another writer was faster",
                  {{"gateway", where_}, {"operation", ended.status}, {"reason", ended.problem}});
  return options_.wait(pause_after_loss, stop) ? Next::look_again : Next::done;
}

// Never the same document again: another may have been written meanwhile.
GatewayMirror::Next GatewayMirror::failed_write(AzureFailure failure, Round& round, const std::stop_token& stop) {
  if (lost_to_another(failure) || unknown_end(failure)) {
    const milliseconds pause = std::clamp(failure.retry_after.value_or(pause_after_loss), shortest_poll,
                                          milliseconds(std::chrono::minutes(10)));
    base::log::info("a write of an application gateway is begun anew",
                    {{"gateway", where_}, {"reason", explained(failure)}});
    return options_.wait(pause, stop) ? Next::look_again : Next::done;
  }
  const bool mends = failure.error.retry != base::Retry::never || failure.no_token;
  round.outcome.say_of_others(round.items, {mends ? What::behind : What::refused, explained(std::move(failure))});
  return Next::done;
}

GatewayMirror::Ended GatewayMirror::await(std::string url, milliseconds first, const std::stop_token& stop) {
  // A token goes with it.
  const std::string here = base::origin_of(options_.resource_manager);
  if (here.empty() || base::origin_of(url) != here) {
    return {"Unknown", "the operation is to be followed at another server"};
  }
  const base::SteadyTime deadline = client_->clock().steady() + options_.longest_operation;
  milliseconds pause = first;
  while (client_->clock().steady() < deadline) {
    if (!options_.wait(pause, stop)) return {"Unknown", "stopped"};
    const auto answer = client_->send({.url = url, .token = options_.token}, stop);
    if (!answer) {
      if (answer.error().not_found()) return {"Unknown", "the operation is known no more"};
      pause = std::clamp(answer.error().retry_after.value_or(usual_poll), shortest_poll, longest_poll);
      continue;
    }
    const nlohmann::json body = base::parse_json(answer->body);
    const std::string status = acme::shown_member(body, "status", 40);
    const bool ended = same_name(status, "Succeeded") || same_name(status, "Failed") || same_name(status, "Canceled");
    if (!ended) {
      pause = poll_of(*answer, client_->clock().now());
      continue;
    }
    const nlohmann::json* error = acme::member(body, "error");
    if (error == nullptr) return {status, {}};
    return {status,
            fmt::format("{}: {}", acme::shown_member(*error, "code", 100), acme::shown_member(*error, "message", 400))};
  }
  return {"Unknown", "the operation has not ended in time"};
}

}  // namespace azure
