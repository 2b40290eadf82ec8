// Durations and sizes as people write them: "500ms", "30s", "2m", "12h", "7d"; "64KiB", "10 MiB", "1GiB", "4096".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace config {

// A whole number and a unit of ms, s, m, h, d; "0" needs none. Nothing longer than `longest_duration`.
[[nodiscard]] std::optional<milliseconds> parse_duration(std::string_view text);
// A whole number of bytes, or of KiB, MiB, GiB; one blank may stand between.
[[nodiscard]] std::optional<Bytes> parse_size(std::string_view text);

// The shortest text that parses to the same value.
[[nodiscard]] std::string to_string(milliseconds duration);
[[nodiscard]] std::string to_string(Bytes size);

inline constexpr milliseconds longest_duration = std::chrono::days(3650);
inline constexpr Bytes largest_size{std::uint64_t{1} << 53U};  // exact in a JSON number

}  // namespace config
