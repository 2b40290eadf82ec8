// Configuration text -> Config, or everything that is wrong with it.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string_view>

#include "config/config.h"
#include "config/diagnostic.h"

namespace config {

enum class Use : std::uint8_t {
  alone,
  base,  // something else adds listeners and certificates: none is required, nor a state directory assumed
};

// `file` is for messages and for relative paths in the text, which are taken from its folder. Pure: opens nothing.
// All faults are reported, not the first one only, in the order of the text.
[[nodiscard]] std::expected<Config, Diagnostics> parse(std::string_view text, const std::filesystem::path& file,
                                                       Use use = Use::alone);

// Reads `file`, at most 16 MiB, and parses it. Blocking.
[[nodiscard]] std::expected<Config, Diagnostics> load(const std::filesystem::path& file, Use use = Use::alone);

}  // namespace config
