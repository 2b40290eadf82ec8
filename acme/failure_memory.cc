#include "acme/failure_memory.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "acme/stored_time.h"
#include "base/json.h"

namespace acme {
namespace {

constexpr std::array<std::chrono::minutes, 3> first_delays{std::chrono::minutes(1), std::chrono::minutes(10),
                                                           std::chrono::minutes(100)};
constexpr std::chrono::hours daily{24};
// However long a server says: somebody has mended it by then, or has to be told.
constexpr std::chrono::hours longest_wait{24 * 14};
constexpr std::size_t longest_text = 4096;
constexpr unsigned highest_count = 1'000'000;

std::chrono::nanoseconds delay_after(unsigned count, bool mends_itself, double random) {
  const std::chrono::nanoseconds delay =
      mends_itself && count <= first_delays.size() ? std::chrono::minutes(first_delays[count - 1]) : daily;
  const double jitter = random >= 0.0 && random < 1.0 ? random : 0.0;
  return delay + std::chrono::duration_cast<std::chrono::nanoseconds>(jitter * (delay / 10));
}

std::string text_at(const nlohmann::json& json, const char* key) {
  const auto member = json.find(key);
  return member != json.end() && member->is_string()
             ? base::utf8_text(member->get_ref<const std::string&>(), longest_text)
             : "";
}

}  // namespace

void FailureMemory::record(const Failure& failure, base::SystemTime now, double random) {
  count_ = std::min(count_ + 1, highest_count);
  last_ = now;
  mends_itself_ = failure.mends_itself();
  text_ = base::utf8_text(failure.error.what, longest_text);
  problem_ = failure.problem ? to_string(failure.problem->type) : "";
  next_try_ = now + delay_after(count_, mends_itself_, random);
  if (failure.not_before) next_try_ = std::max(next_try_, std::min(*failure.not_before, now + longest_wait));
}

void FailureMemory::clear() {
  *this = {};
}

nlohmann::json FailureMemory::to_json() const {
  return {{"count", count_}, {"last", stored(last_)}, {"next_try", stored(next_try_)},
          {"text", text_},   {"problem", problem_},   {"mends_itself", mends_itself_}};
}

FailureMemory FailureMemory::from(const nlohmann::json& json) {
  const auto last = stored_time(json, "last");
  const auto next_try = stored_time(json, "next_try");
  if (!last || !next_try || *next_try > *last + 2 * longest_wait) return {};
  const auto count = json.find("count");
  if (count == json.end() || !count->is_number_unsigned() || *count == 0 || *count > highest_count) return {};
  FailureMemory memory;
  memory.count_ = count->get<unsigned>();
  memory.last_ = *last;
  memory.next_try_ = *next_try;
  memory.text_ = text_at(json, "text");
  memory.problem_ = text_at(json, "problem");
  const auto mends_itself = json.find("mends_itself");
  memory.mends_itself_ = mends_itself == json.end() || !mends_itself->is_boolean() || mends_itself->get<bool>();
  return memory;
}

}  // namespace acme
