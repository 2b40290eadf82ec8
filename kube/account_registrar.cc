#include "kube/account_registrar.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/keep_running.h"

namespace kube {
namespace {

constexpr std::chrono::seconds first_pause{5};
constexpr unsigned most_doublings = 7;  // ten minutes
constexpr std::chrono::seconds look_every{1};
constexpr std::size_t threads = 4;
constexpr std::size_t most_of_one_namespace = threads / 2;

// "Issuer/shop" of "Issuer/shop/letsencrypt".
std::string_view namespace_of(std::string_view name) {
  return name.substr(0, name.rfind('/'));
}

}  // namespace

AccountRegistrar::AccountRegistrar(acme::Storage& storage, acme::Locks& locks, const base::Clock& clock,
                                   std::function<void()> ring)
    : clock_(clock), accounts_(storage, locks), clients_(clock, {}), ring_(std::move(ring)) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) {
      base::keep_running("ACME accounts of the cluster", stop, [&] { run(stop); });
    });
  }
}

AccountRegistrar::~AccountRegistrar() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

std::optional<AccountRegistrar::Answer> AccountRegistrar::ask(const std::string& name,
                                                              const config::AcmeIssuer& issuer) {
  const std::lock_guard lock(mutex_);
  Asked& asked = asked_[name];
  if (asked.issuer != issuer) {
    asked = {.issuer = issuer, .answer = std::nullopt, .next = clock_.steady()};
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
  std::map<std::string_view, std::size_t> busy;
  for (const std::string& name : working_) ++busy[namespace_of(name)];
  const std::string* longest = nullptr;
  base::SteadyTime since{};
  for (const auto& [name, asked] : asked_) {
    const bool done = asked.answer && asked.answer->has_value();
    if (done || working_.contains(name) || asked.next > now || (longest != nullptr && asked.next >= since)) continue;
    if (const auto of = busy.find(namespace_of(name)); of != busy.end() && of->second >= most_of_one_namespace) {
      continue;
    }
    longest = &name;
    since = asked.next;
  }
  return longest == nullptr ? std::nullopt : std::optional(*longest);
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
    working_.insert(*name);
    lock.unlock();
    Answer answer = base::attempted("ACME account", [&] { return open(issuer, stop); });
    lock.lock();
    working_.erase(working_.find(*name));
    changed_.notify_all();
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
