#include "config/keys.h"

#include <algorithm>
#include <iterator>

namespace config {

std::vector<std::string_view> KeySet::list() const {
  std::vector<std::string_view> result;
  std::ranges::copy_if(known, std::back_inserter(result), [](std::string_view key) { return !key.empty(); });
  return result;
}

bool KeySet::has(std::string_view key) const {
  return !key.empty() && std::ranges::find(known, key) != known.end();
}

}  // namespace config
