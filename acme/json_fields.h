// Reading what a CA sent: everything that is missing or of the wrong kind is an answer, never an exception.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/error.h"

namespace acme {

// The whole of `text` as JSON; `protocol` if it is none. `text` is controlled by the CA, of bounded size.
[[nodiscard]] base::Result<nlohmann::json> parse_json(std::string_view text);

// The members of an object. Null if there is none of that name, or of another kind, or if `json` is no object.
[[nodiscard]] const nlohmann::json* member(const nlohmann::json& json, std::string_view name);
[[nodiscard]] const std::string* text_member(const nlohmann::json& json, std::string_view name);
[[nodiscard]] const nlohmann::json* array_member(const nlohmann::json& json, std::string_view name);
[[nodiscard]] std::optional<base::SystemTime> time_member(const nlohmann::json& json, std::string_view name);
[[nodiscard]] bool flag_member(const nlohmann::json& json, std::string_view name);

// A text for people: cut to `most` bytes between characters, "?" for whatever a terminal would obey. Empty if missing.
[[nodiscard]] std::string shown_member(const nlohmann::json& json, std::string_view name, std::size_t most = 1000);
[[nodiscard]] std::string shown(std::string_view text, std::size_t most);

// A URL of the server (is_server_url); empty if there is none or it is something else.
[[nodiscard]] std::string url_member(const nlohmann::json& json, std::string_view name);

// `protocol`: "the order has no \"status\" that could be used".
[[nodiscard]] std::unexpected<base::Error> lacks(std::string_view object, std::string_view member);

}  // namespace acme
