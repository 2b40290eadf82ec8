#include "acme/json_fields.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/server_url.h"
#include "base/json.h"
#include "base/timestamps.h"

namespace acme {
base::Result<nlohmann::json> parse_json(std::string_view text) {
  auto json = base::parse_json(text);
  if (json.is_discarded()) {
    return base::fail(base::Code::protocol, "the answer is not JSON", base::Origin::upstream, base::Retry::later);
  }
  return json;
}

const nlohmann::json* member(const nlohmann::json& json, std::string_view name) {
  const auto found = json.find(name);
  return found == json.end() ? nullptr : &*found;
}

const std::string* text_member(const nlohmann::json& json, std::string_view name) {
  const auto* const value = member(json, name);
  return value == nullptr ? nullptr : value->get_ptr<const std::string*>();
}

const nlohmann::json* array_member(const nlohmann::json& json, std::string_view name) {
  const auto* const value = member(json, name);
  return value != nullptr && value->is_array() ? value : nullptr;
}

std::optional<base::SystemTime> time_member(const nlohmann::json& json, std::string_view name) {
  const std::string* const text = text_member(json, name);
  return text == nullptr ? std::nullopt : base::parse_rfc3339(*text);
}

bool flag_member(const nlohmann::json& json, std::string_view name) {
  const auto* const value = member(json, name);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

std::string shown_member(const nlohmann::json& json, std::string_view name, std::size_t most) {
  const std::string* const text = text_member(json, name);
  return text == nullptr ? std::string() : shown(*text, most);
}

std::string shown(std::string_view text, std::size_t most) {
  std::string out = base::utf8_text(text, most);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    if (c < 0x20 || c == 0x7f) out[i] = '?';
    // U+0080 … U+009F: some terminals obey them as they obey ESC.
    if (c == 0xc2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xa0) out.replace(i, 2, "?");
  }
  return out;
}

std::string url_member(const nlohmann::json& json, std::string_view name) {
  const std::string* const text = text_member(json, name);
  return text != nullptr && is_server_url(*text) ? *text : std::string();
}

std::unexpected<base::Error> lacks(std::string_view object, std::string_view member) {
  return base::fail(base::Code::protocol, fmt::format("the {} has no \"{}\" that could be used", object, member),
                    base::Origin::upstream, base::Retry::later);
}

}  // namespace acme
