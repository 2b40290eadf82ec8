#include "acme/stored_time.h"

#include <nlohmann/json.hpp>

namespace acme {
namespace {

constexpr std::int64_t latest = 8'836'000'000;  // in 2250; base::SystemTime ends in 2262

}  // namespace

std::int64_t stored(base::SystemTime time) {
  return std::chrono::ceil<std::chrono::seconds>(time).time_since_epoch().count();
}

std::optional<base::SystemTime> stored_time(const nlohmann::json& json) {
  if (!json.is_number_integer()) return std::nullopt;
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > static_cast<std::uint64_t>(latest)) return std::nullopt;
  const auto seconds = json.get<std::int64_t>();
  if (seconds < 0 || seconds > latest) return std::nullopt;
  return base::SystemTime(std::chrono::seconds(seconds));
}

std::optional<base::SystemTime> stored_time(const nlohmann::json& object, std::string_view key) {
  if (!object.is_object()) return std::nullopt;
  const auto member = object.find(key);
  return member == object.end() ? std::nullopt : stored_time(*member);
}

}  // namespace acme
