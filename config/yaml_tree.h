// YamlNode: YAML text as a plain tree in which every node knows its place. Aliases are already replaced by copies.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/faults.h"

namespace config {

struct YamlNode {
  enum class Kind { null, scalar, sequence, mapping };
  Kind kind = Kind::null;
  Mark mark;
  bool plain = true;            // a scalar without quotes: may be a number or a boolean
  std::string text;             // of a scalar
  std::vector<YamlNode> keys;   // of a mapping, in the order of the text, duplicates included; always scalars
  std::vector<YamlNode> items;  // of a sequence, or the values that belong to `keys`
};

// What a text may cost, whatever it says.
struct YamlBounds {
  std::size_t bytes = 16U << 20U;
  std::size_t depth = 24;
  std::size_t nodes = 500'000;            // after aliases are replaced ("billion laughs")
  std::size_t copied_bytes = 16U << 20U;  // text that aliases repeat
};

// The only document of `text`, or nothing and at least one fault. `text` may be attacker controlled.
[[nodiscard]] std::optional<YamlNode> read_yaml(std::string_view text, const YamlBounds& bounds, Faults& faults);

}  // namespace config
