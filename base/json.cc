#include "base/json.h"

#include <algorithm>
#include <cstdint>

#include <nlohmann/json.hpp>

namespace base {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

template <class Json>
std::string dumped(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

template <class Json>
Json parsed(std::string_view text) {
  if (text.size() > largest_json || depth_of_json(text) > deepest_json) return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, false);
}

// RFC 3629 §4: the length of the character that `text` begins with; 0: there is none.
std::size_t character_at(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  }
  const std::uint8_t second = byte(1);
  const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                     (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return wrong ? 0 : length;
}

// Calls `opens` and `closes` with the place of each bracket of arrays and objects that is in no string of `text`.
template <class Opens, class Closes>
void walk_brackets(std::string_view text, Opens opens, Closes closes) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') opens(i);
    if (c == '}' || c == ']') closes(i);
  }
}

// `text` with null in the place of every array and object that is nested too deep. In the text and not by the library's
// callback, which looks through the whole of an array at the end of each of its elements.
std::string cut_to_depth(std::string_view text) {
  std::string cut;
  std::size_t depth = 0;
  std::size_t from = 0;  // of what is not in `cut` yet
  walk_brackets(
      text,
      [&](std::size_t at) {
        if (++depth == deepest_json + 1) cut.append(text.substr(from, at - from)).append("null");
      },
      [&](std::size_t at) {
        if (depth > 0 && depth-- == deepest_json + 1) from = at + 1;
      });
  // What is not closed is no JSON, with or without its end.
  if (depth <= deepest_json) cut.append(text.substr(from));
  return cut;
}

}  // namespace

std::size_t depth_of_json(std::string_view text) noexcept {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  walk_brackets(
      text, [&](std::size_t) { deepest = std::max(deepest, ++depth); },
      [&](std::size_t) {
        if (depth > 0) --depth;
      });
  return deepest;
}

nlohmann::json parse_json(std::string_view text) {
  return parsed<nlohmann::json>(text);
}

nlohmann::ordered_json parse_ordered_json(std::string_view text) {
  return parsed<nlohmann::ordered_json>(text);
}

nlohmann::json parse_json_to_depth(std::string_view text) {
  if (text.size() > largest_json) return nlohmann::json(nlohmann::json::value_t::discarded);
  if (depth_of_json(text) <= deepest_json) return nlohmann::json::parse(text, nullptr, false);
  return nlohmann::json::parse(cut_to_depth(text), nullptr, false);
}

std::string json_line(const nlohmann::json& json) {
  return dumped(json, -1);
}

std::string json_line(const nlohmann::ordered_json& json) {
  return dumped(json, -1);
}

std::string json_lines(const nlohmann::json& json) {
  return dumped(json, 2);
}

std::string json_lines(const nlohmann::ordered_json& json) {
  return dumped(json, 2);
}

std::string utf8_text(std::string_view text, std::size_t most) {
  std::string good;
  good.reserve(std::min(text.size(), most));
  while (!text.empty()) {
    const std::size_t length = character_at(text);
    const std::string_view next = length == 0 ? replacement : text.substr(0, length);
    if (good.size() + next.size() > most) break;
    good += next;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return good;
}

}  // namespace base
