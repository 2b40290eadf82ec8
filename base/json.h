// JSON that strangers wrote, and JSON that holds their words: read with limits, written whatever the bytes are. The one
// place of the repository that parses and dumps: the library's own parse() takes any depth, and copying, comparing or
// dumping what came of it goes as deep on the stack; its own dump() throws at a byte that is no UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace base {

inline constexpr unsigned deepest_json = 64;              // arrays and objects within each other
inline constexpr std::size_t largest_json = 256U << 20U;  // bytes

// `text` is attacker controlled. Discarded (is_discarded()): no JSON, nested more than deepest_json, or larger than
// largest_json.
[[nodiscard]] nlohmann::json parse_json(std::string_view text);
[[nodiscard]] nlohmann::ordered_json parse_ordered_json(std::string_view text);
// What is nested deeper is null in it, instead of the whole being refused: for lists in which one stranger's object
// stands among those of others. Never for what is written back.
[[nodiscard]] nlohmann::json parse_json_to_depth(std::string_view text);
// How deep arrays and objects are nested, of any text.
[[nodiscard]] std::size_t depth_of_json(std::string_view text) noexcept;

// On one line, and for people with an indent of two. Bytes that are no UTF-8 become U+FFFD. Never throws but bad_alloc.
[[nodiscard]] std::string json_line(const nlohmann::json& json);
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& json);
[[nodiscard]] std::string json_lines(const nlohmann::json& json);
[[nodiscard]] std::string json_lines(const nlohmann::ordered_json& json);

// `text` cut to `most` bytes between characters, with U+FFFD for each byte of it that is no UTF-8.
[[nodiscard]] std::string utf8_text(std::string_view text, std::size_t most);

}  // namespace base
