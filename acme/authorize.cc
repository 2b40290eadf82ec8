#include "acme/authorize.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "acme/drain_patience.h"
#include "acme/pauses.h"
#include "base/log.h"

namespace acme {
namespace {

// All records together: the process that drains has others who wait for it.
constexpr std::chrono::milliseconds clean_up_in_a_drain{3000};

class Authorizing {
 public:
  Authorizing(const Wanted& wanted, const Workbench& bench, OrderProgress& progress, const std::stop_token& stop)
      : wanted_(wanted), bench_(bench), progress_(progress), stop_(stop) {}
  // Always: a record that is left behind can be in the way of the next attempt.
  ~Authorizing() { clean_up(); }
  Authorizing(const Authorizing&) = delete;
  Authorizing& operator=(const Authorizing&) = delete;

  // Only what another process has left.
  void take_away(const Order& order) {
    for (const std::string& url : order.authorizations) {
      const auto authorization = bench_.client.authorization(bench_.signer, url, stop_);
      if (authorization) note_left_behind(authorization->value);
    }
  }

  Outcome<void> run(const Order& order) {
    progress_.authorizations.clear();
    for (const std::string& url : order.authorizations) {
      const auto authorization = bench_.client.authorization(bench_.signer, url, stop_);
      if (!authorization) return std::unexpected(Failure(authorization.error()).in("authorization"));
      if (auto noted = note(authorization->value); !noted)
        return in_name(std::move(noted), authorization->value.identifier);
    }
    show();
    // All are in place before the server is told of the first: it may look at any of them from then on.
    for (const Open& one : open_) {
      if (auto presented = bench_.solver.present(one.task, stop_); !presented) {
        return in_name(failed(std::move(presented.error()).in(config::to_string(wanted_.challenge))), one.identifier);
      }
    }
    for (const Open& one : open_) {
      if (one.challenge.status != Challenge::Status::pending) continue;  // told before a restart
      if (auto told = tell(one); !told) return in_name(std::move(told), one.identifier);
    }
    for (const Open& one : open_) {
      if (auto valid = wait_until_valid(one); !valid) return in_name(std::move(valid), one.identifier);
    }
    return {};
  }

 private:
  struct Open {
    std::string url;
    Identifier identifier;
    Challenge challenge;
    ChallengeTask task;
    std::size_t shown;  // its place in progress_.authorizations
  };

  // Valid already (a server may use an authorization again), open, or the end of the order.
  Outcome<void> note(const Authorization& authorization) {
    progress_.authorizations.push_back({.identifier = authorization.identifier,
                                        .wildcard = authorization.wildcard,
                                        .status = std::string(to_string(authorization.status)),
                                        .challenge = wanted_.challenge,
                                        .challenge_status = {},
                                        .problem = {}});
    if (authorization.status == Authorization::Status::valid) {
      note_left_behind(authorization);
      return {};
    }
    const Challenge* challenge = authorization.challenge(wanted_.challenge);
    if (authorization.status != Authorization::Status::pending) return lost(authorization, challenge);
    if (challenge == nullptr) {
      std::string offered;
      for (const Challenge& one : authorization.challenges) offered += (offered.empty() ? "" : ", ") + one.type_name;
      return failed(base::Code::refused,
                    fmt::format("the CA offers {}, not {}", offered.empty() ? "no challenge" : offered,
                                config::to_string(wanted_.challenge)));
    }
    open_.push_back({.url = authorization.url,
                     .identifier = authorization.identifier,
                     .challenge = *challenge,
                     .task = task_of(authorization, *challenge),
                     .shown = progress_.authorizations.size() - 1});
    return {};
  }

  // Valid before this attempt: a process that was killed may have shown it, and not have taken it away.
  void note_left_behind(const Authorization& authorization) {
    const Challenge* challenge = authorization.challenge(wanted_.challenge);
    if (authorization.status != Authorization::Status::valid || challenge == nullptr) return;
    left_behind_.push_back(task_of(authorization, *challenge));
  }

  [[nodiscard]] ChallengeTask task_of(const Authorization& authorization, const Challenge& challenge) const {
    return {.identifier = authorization.identifier.base(),
            .wildcard = authorization.wildcard,
            .token = challenge.token,
            .key_authorization = bench_.signer.key.key_authorization(challenge.token),
            .account_url = bench_.signer.account_url,
            .issuer_domain_names = challenge.issuer_domain_names};
  }

  // Says that the challenge is in place. Where the connection was lost, the challenge itself tells whether that was
  // heard: a server that has heard it is looking, and to take the answer away now would fail the order.
  Outcome<void> tell(const Open& one) {
    auto told = bench_.client.respond(bench_.signer, one.challenge, stop_);
    if (told) return {};
    if (told.error().error.code != base::Code::closed) return std::unexpected(std::move(told.error()));
    const auto seen = bench_.client.authorization(bench_.signer, one.url, stop_);
    if (!seen) return std::unexpected(std::move(told.error()));
    const Challenge* challenge = seen->value.challenge(wanted_.challenge);
    const bool heard = seen->value.status != Authorization::Status::pending || challenge == nullptr ||
                       challenge->status != Challenge::Status::pending;
    if (!heard) told = bench_.client.respond(bench_.signer, one.challenge, stop_);
    if (!told && !heard) return std::unexpected(std::move(told.error()));
    return {};
  }

  Outcome<void> wait_until_valid(const Open& one) {
    Pauses pauses(bench_.wait, stop_);
    for (;;) {
      const auto polled = bench_.client.authorization(bench_.signer, one.url, stop_);
      if (!polled) return std::unexpected(polled.error());
      const Authorization& authorization = polled->value;
      const Challenge* challenge = authorization.challenge(wanted_.challenge);
      AuthorizationProgress& shown = progress_.authorizations[one.shown];
      shown.status = to_string(authorization.status);
      shown.challenge_status = challenge != nullptr ? to_string(challenge->status) : "";
      if (challenge != nullptr && challenge->error) shown.problem = challenge->error->to_string();
      show();
      if (authorization.status == Authorization::Status::valid) {
        if (bench_.challenge_ended) bench_.challenge_ended(one.identifier, Challenge::Status::valid);
        return {};
      }
      if (authorization.status != Authorization::Status::pending) {
        if (bench_.challenge_ended) bench_.challenge_ended(one.identifier, Challenge::Status::invalid);
        return lost(authorization, challenge);
      }
      if (auto waited = pauses.wait(polled->retry_after, "the CA has not looked at the challenge"); !waited)
        return waited;
    }
  }

  Outcome<void> lost(const Authorization& authorization, const Challenge* challenge) {
    forget_order(bench_.storage, wanted_.journal);
    Failure failure{.error = {.code = base::Code::refused,
                              .what = fmt::format("the authorization is {}", to_string(authorization.status)),
                              .origin = base::Origin::control,
                              .retry = base::Retry::later},
                    .problem = std::nullopt,
                    .not_before = std::nullopt};
    if (challenge != nullptr && challenge->error) {
      failure.problem = challenge->error;
      failure.error.what = fmt::format("{}: {}", challenge->type_name, challenge->error->to_string());
    }
    return std::unexpected(std::move(failure));
  }

  static Outcome<void> in_name(Outcome<void> outcome, const Identifier& identifier) {
    return std::unexpected(std::move(outcome.error()).in(identifier.value));
  }

  void clean_up() {
    if (open_.empty() && left_behind_.empty()) return;
    const DrainPatience patience(clean_up_in_a_drain, stop_);
    for (const Open& one : open_) clean_up(one.task, patience.token());
    for (const ChallengeTask& task : left_behind_) clean_up(task, patience.token());
  }

  void clean_up(const ChallengeTask& task, const std::stop_token& stop) {
    if (const auto cleaned = bench_.solver.clean_up(task, stop); !cleaned) {
      base::log::warning("a challenge could not be taken away",
                         {{"name", task.identifier.value}, {"error", cleaned.error().what}});
    }
  }

  void show() {
    progress_.step = OrderProgress::Step::challenges;
    if (bench_.show) bench_.show(progress_);
  }

  const Wanted& wanted_;
  const Workbench& bench_;
  OrderProgress& progress_;
  const std::stop_token& stop_;
  std::vector<Open> open_;
  std::vector<ChallengeTask> left_behind_;
};

}  // namespace

Outcome<void> authorize(const Order& order, const Wanted& wanted, const Workbench& bench, OrderProgress& progress,
                        const std::stop_token& stop) {
  return Authorizing(wanted, bench, progress, stop).run(order);
}

void clean_up_after(const Order& order, const Wanted& wanted, const Workbench& bench, const std::stop_token& stop) {
  OrderProgress unseen;
  Authorizing(wanted, bench, unseen, stop).take_away(order);
}

}  // namespace acme
