// RefusedNames: names that strangers brought up and that were refused, so that asking again costs nothing.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/clock.h"

namespace acme {

// A value. Bounded: with one too many, the one that would be forgotten first is forgotten.
class RefusedNames {
 public:
  explicit RefusedNames(std::size_t at_most = 10'000) : at_most_(at_most) {}

  // `name` is attacker controlled, at most 255 bytes.
  void add(const std::string& name, base::SystemTime until);
  [[nodiscard]] bool has(const std::string& name, base::SystemTime now) const;
  [[nodiscard]] std::size_t size() const noexcept { return until_.size(); }
  void clear();

 private:
  std::size_t at_most_;
  std::map<std::string, base::SystemTime> until_;
  std::set<std::pair<base::SystemTime, std::string>> by_end_;
};

}  // namespace acme
