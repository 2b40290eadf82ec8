#include "config/quantities.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array duration_units{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                                    Unit{"ms", 1}};
constexpr std::array size_units{Unit{"GiB", std::uint64_t{1} << 30U}, Unit{"MiB", std::uint64_t{1} << 20U},
                                Unit{"KiB", std::uint64_t{1} << 10U}, Unit{"", 1}};

struct Quantity {
  std::uint64_t count = 0;
  std::string_view unit;
};

std::optional<Quantity> split(std::string_view text) {
  Quantity quantity;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, quantity.count);
  if (error != std::errc{}) return std::nullopt;
  quantity.unit = std::string_view(end, static_cast<std::size_t>(last - end));
  return quantity;
}

template <std::size_t N>
std::optional<std::uint64_t> value_of(Quantity quantity, const std::array<Unit, N>& units, std::uint64_t most) {
  for (const Unit& unit : units) {
    if (unit.name != quantity.unit) continue;
    if (quantity.count > most / unit.factor) return std::nullopt;
    return quantity.count * unit.factor;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string written(std::uint64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.name);
  }
  return std::to_string(value);
}

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  const auto quantity = split(text);
  if (!quantity) return std::nullopt;
  if (quantity->count == 0 && quantity->unit.empty()) return milliseconds(0);
  const auto value = value_of(*quantity, duration_units, static_cast<std::uint64_t>(longest_duration.count()));
  if (!value) return std::nullopt;
  return milliseconds(static_cast<milliseconds::rep>(*value));
}

std::optional<Bytes> parse_size(std::string_view text) {
  auto quantity = split(text);
  if (!quantity) return std::nullopt;
  if (quantity->unit.size() > 1 && quantity->unit.front() == ' ') quantity->unit.remove_prefix(1);
  const auto value = value_of(*quantity, size_units, largest_size.value);
  if (!value) return std::nullopt;
  return Bytes{*value};
}

std::string to_string(milliseconds duration) {
  if (duration.count() <= 0) return "0";
  return written(static_cast<std::uint64_t>(duration.count()), duration_units);
}

std::string to_string(Bytes size) {
  return size.value == 0 ? "0" : written(size.value, size_units);
}

}  // namespace config
