#include "kube/secret_challenge_table.h"

#include <utility>

#include "base/keep_running.h"
#include "base/log.h"
#include "base/wait.h"

namespace kube {
namespace {

constexpr unsigned most_attempts = 10;  // to write before another replica does
constexpr std::chrono::milliseconds after_conflict{20};

}  // namespace

SecretChallengeTable::SecretChallengeTable(Client& client, Options options, Publish publish)
    : client_(client),
      options_(std::move(options)),
      name_{options_.name_space, options_.secret},
      publish_(std::move(publish)),
      replicas_(client, {.name_space = options_.name_space, .identity = options_.identity}),
      watch_(client,
             {.resource = resources::secrets,
              .selection = {.name_space = options_.name_space, .fields = "metadata.name=" + options_.secret},
              .pace = options_.pace},
             *this) {
  // First we are one of those that are waited for, then the first look: what is written in between is waited for and
  // seen, rather than neither.
  if (const auto joined = replicas_.acknowledge(0, {}); !joined) {
    base::log::warning("other replicas do not know of this one yet", {{"reason", joined.error().error.what}});
  }
  watch_.start();
  present_ = std::jthread([this](const std::stop_token& stop) {
    base::keep_running("challenges of replicas", stop, [&] { keep_present(stop); });
  });
  std::unique_lock lock(mutex_);
  if (!first_look_.wait_for(lock, options_.patience_with_api, [this] { return looked_; })) {
    publish_(std::make_shared<const certstore::Challenges>());
  }
}

SecretChallengeTable::~SecretChallengeTable() {
  ended_.request_stop();
  watch_.request_stop();
  present_.request_stop();
  present_.join();
  replicas_.leave();
}

base::Result<void> SecretChallengeTable::put_http01(const std::string& token, const std::string& key_authorization,
                                                    std::stop_token stop) {
  const auto add = [&](ChallengeSecret& secret) -> base::Result<bool> {
    auto added = secret.add_http01(token, key_authorization, client_.clock().now());
    if (!added) return std::unexpected(std::move(added.error()));
    return true;
  };
  return put(add, stop);
}

base::Result<void> SecretChallengeTable::put_tls_alpn01(const std::string& server_name,
                                                        const certstore::CertificatePtr& certificate,
                                                        std::stop_token stop) {
  if (!certificate) return base::fail(base::Code::invalid, "challenge: no certificate");
  const auto add = [&](ChallengeSecret& secret) -> base::Result<bool> {
    auto added = secret.add_tls_alpn01(server_name, *certificate, client_.clock().now());
    if (!added) return std::unexpected(std::move(added.error()));
    return true;
  };
  return put(add, stop);
}

void SecretChallengeTable::remove_http01(const std::string& token) {
  remove([&](ChallengeSecret& secret) -> base::Result<bool> { return secret.remove_http01(token); });
}

void SecretChallengeTable::remove_tls_alpn01(const std::string& server_name) {
  remove([&](ChallengeSecret& secret) -> base::Result<bool> { return secret.remove_tls_alpn01(server_name); });
}

base::Result<void> SecretChallengeTable::put(const Edit& edit, const std::stop_token& stop) {
  const auto generation = write(edit, stop);
  if (!generation) return std::unexpected(base::Error(generation.error()).in("challenge"));
  return wait_for_others(*generation, stop);
}

void SecretChallengeTable::remove(const Edit& edit) {
  if (const auto done = write(edit, {}); !done) {
    base::log::warning("challenge not taken away", {{"reason", done.error().what}});
  }
}

// The generation after it; 0: nothing had to be changed.
base::Result<std::uint64_t> SecretChallengeTable::write(const Edit& edit, const std::stop_token& stop) {
  for (unsigned attempt = 0; attempt < most_attempts; ++attempt) {
    const auto now = client_.get(resources::secrets, name_, stop);
    if (!now && !now.error().not_found()) return std::unexpected(now.error().error);
    ChallengeSecret secret = now ? ChallengeSecret(*now) : ChallengeSecret(name_);
    const auto wanted = edit(secret);
    if (!wanted) return std::unexpected(wanted.error());
    if (!*wanted) return 0;
    secret.change(client_.clock().now());
    const auto written = now ? client_.update(resources::secrets, secret.object(), {}, stop)
                             : client_.create(resources::secrets, secret.object(), stop);
    if (written) {
      take(*written, stop);
      return secret.generation();
    }
    // Gone, or written by another replica: look at it as it is now.
    if (!written.error().conflict() && !written.error().not_found()) return std::unexpected(written.error().error);
    if (!base::wait_for(after_conflict * attempt, stop)) return base::fail(base::Code::cancelled, "stopped");
  }
  return base::fail(base::Code::overloaded, "other replicas write it all the time", base::Origin::control,
                    base::Retry::later);
}

// The Secret as the server has it: published if it is newer, and acknowledged then.
void SecretChallengeTable::take(const nlohmann::json& object, const std::stop_token& stop) {
  const ChallengeSecret secret{nlohmann::json(object)};
  const std::uint64_t generation = secret.generation();
  {
    const std::lock_guard lock(mutex_);
    if (generation <= published_) return;
    publish_(std::make_shared<const certstore::Challenges>(secret.challenges()));
    published_ = generation;
  }
  const auto said = replicas_.acknowledge(generation, stop);
  if (!said && !stop.stop_requested()) {
    base::log::warning("other replicas do not know that challenges are answered here",
                       {{"reason", said.error().error.what}});
  }
}

base::Result<void> SecretChallengeTable::wait_for_others(std::uint64_t generation, const std::stop_token& stop) {
  const auto end = std::chrono::steady_clock::now() + options_.patience_with_others;
  for (;;) {
    const auto behind = replicas_.behind(generation, stop);
    if (stop.stop_requested()) return base::fail(base::Code::cancelled, "challenge: stopped");
    if (behind && *behind == 0) return {};
    if (std::chrono::steady_clock::now() >= end) {
      // The CA looks from several places, and at most of them it meets those that answer: better to try than never to
      // renew because of one that hangs.
      base::log::warning("replicas do not answer from the newest challenges",
                         {{"count", behind ? std::to_string(*behind) : "unknown"},
                          {"reason", behind ? std::string() : behind.error().error.what}});
      return {};
    }
    if (!base::wait_for(options_.look_again, stop)) return base::fail(base::Code::cancelled, "challenge: stopped");
  }
}

void SecretChallengeTable::keep_present(const std::stop_token& stop) {
  while (base::wait_for(options_.renewal, stop)) {
    const auto renewed = replicas_.renew(stop);
    if (!renewed && !stop.stop_requested()) {
      base::log::warning("other replicas may take this one for gone", {{"reason", renewed.error().error.what}});
    }
  }
}

void SecretChallengeTable::replaced(std::vector<nlohmann::json> objects) {
  for (const nlohmann::json& object : objects) take(object, ended_.get_token());
}

void SecretChallengeTable::changed(nlohmann::json object) {
  take(object, ended_.get_token());
}

// By hand, or before a restore: what is under way is lost to the CA, and is ordered again.
void SecretChallengeTable::deleted(const ObjectName& /*name*/) {
  const std::lock_guard lock(mutex_);
  publish_(std::make_shared<const certstore::Challenges>());
}

void SecretChallengeTable::synced() {
  const std::lock_guard lock(mutex_);
  if (!looked_ && published_ == 0) publish_(std::make_shared<const certstore::Challenges>());
  looked_ = true;
  first_look_.notify_all();
}

}  // namespace kube
