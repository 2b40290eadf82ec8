#include "kube/account_registrar.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kube {
namespace {

constexpr std::chrono::seconds first_pause{5};
constexpr unsigned most_doublings = 7;  // ten minutes
constexpr std::chrono::seconds look_every{1};

}  // namespace

AccountRegistrar::AccountRegistrar(acme::Storage& storage, acme::Locks& locks, const base::Clock& clock,
                                   std::function<void()> ring)
    : clock_(clock),
      accounts_(storage, locks),
      clients_(clock, {}),
      ring_(std::move(ring)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

AccountRegistrar::~AccountRegistrar() = default;

std::optional<AccountRegistrar::Answer> AccountRegistrar::ask(const std::string& name,
                                                              const config::AcmeIssuer& issuer) {
  const std::lock_guard lock(mutex_);
  Asked& asked = asked_[name];
  if (asked.issuer != issuer) {
    asked = {.issuer = issuer, .answer = std::nullopt};
    changed_.notify_all();
  }
  return asked.answer;
}

void AccountRegistrar::forget(const std::string& name) {
  const std::lock_guard lock(mutex_);
  asked_.erase(name);
}

// With the mutex.
std::optional<std::string> AccountRegistrar::due() const {
  const auto now = clock_.steady();
  for (const auto& [name, asked] : asked_) {
    const bool done = asked.answer && asked.answer->has_value();
    if (!done && asked.next <= now) return name;
  }
  return std::nullopt;
}

AccountRegistrar::Answer AccountRegistrar::open(const config::AcmeIssuer& issuer, const std::stop_token& stop) {
  const auto signer = accounts_.open(*clients_.of(issuer), issuer, stop);
  if (!signer) return std::unexpected(signer.error().error);
  return signer->account_url;
}

void AccountRegistrar::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto name = due();
    if (!name) {
      changed_.wait_for(lock, stop, look_every, [this] { return due().has_value(); });
      continue;
    }
    const config::AcmeIssuer issuer = asked_[*name].issuer;
    lock.unlock();
    Answer answer = open(issuer, stop);
    lock.lock();
    const auto found = asked_.find(*name);
    if (found == asked_.end() || found->second.issuer != issuer) continue;
    Asked& asked = found->second;
    if (!answer) {
      asked.next = clock_.steady() + first_pause * (1U << std::min(asked.failures, most_doublings));
      ++asked.failures;
    }
    asked.answer = std::move(answer);
    lock.unlock();
    ring_();
    lock.lock();
  }
}

}  // namespace kube
