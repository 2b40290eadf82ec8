#include "app/errands.h"

#include <utility>

#include "base/keep_running.h"

namespace app {
namespace {

constexpr std::size_t waiting_at_most = 8;
constexpr std::size_t remembered = 64;

}  // namespace

Errands::Errands()
    : thread_([this](const std::stop_token& stop) { base::keep_running("errands", stop, [&] { run(stop); }); }) {}

Errands::~Errands() = default;

std::optional<std::uint64_t> Errands::begin(Work work) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= waiting_at_most) return std::nullopt;
  const std::uint64_t number = ++last_;
  answers_[number] = Json{{"done", false}};
  while (answers_.size() > remembered) answers_.erase(answers_.begin());
  waiting_.emplace_back(number, std::move(work));
  arrived_.notify_one();
  return number;
}

std::optional<Errands::Json> Errands::ask(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find(number);
  if (found == answers_.end()) return std::nullopt;
  return found->second;
}

void Errands::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (arrived_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
    auto [number, work] = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    const auto done = base::attempted("errand", [&] { return work(stop); });
    lock.lock();
    Json answer{{"done", true}};
    if (done) {
      answer["answer"] = *done;
    } else {
      answer["error"] = done.error().what;
    }
    answers_[number] = std::move(answer);
  }
}

}  // namespace app
