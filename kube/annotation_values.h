// How annotations write values. All texts are what the owner of the object wrote; an error says what was expected.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/host_names.h"

namespace kube {

// "true", "false", and the other spellings that Go takes: 1, t, T, TRUE, True, 0, f, F, FALSE, False.
[[nodiscard]] config::Read<bool> parse_flag(std::string_view text);
// "on", "off", or a flag.
[[nodiscard]] config::Read<bool> parse_switch(std::string_view text);
[[nodiscard]] config::Read<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most);
// Whole seconds, 1 to 86400, "s" may follow.
[[nodiscard]] config::Read<std::chrono::milliseconds> parse_seconds(std::string_view text);
// As Go has it: "2160h", "1h30m", "90s"; at least a second.
[[nodiscard]] config::Read<std::chrono::seconds> parse_go_duration(std::string_view text);
// As nginx has it: "8m", "512k", "1g", "1024"; 0: no limit.
[[nodiscard]] config::Read<config::Bytes> parse_nginx_size(std::string_view text);
// Parts between commas without blanks around them; empty ones are left out.
[[nodiscard]] std::vector<std::string> parse_list(std::string_view text);
// "https://www.example.com/path", "/path". $scheme, $host and $request_uri in their places mean the client's own.
[[nodiscard]] config::Read<config::Redirect> parse_redirect_target(std::string_view text);

}  // namespace kube
