#include "acme/refused_names.h"

namespace acme {

void RefusedNames::add(const std::string& name, base::SystemTime until) {
  if (const auto known = until_.find(name); known != until_.end()) {
    by_end_.erase({known->second, name});
    until_.erase(known);
  }
  if (until_.size() >= at_most_ && !by_end_.empty()) {
    until_.erase(by_end_.begin()->second);
    by_end_.erase(by_end_.begin());
  }
  until_.emplace(name, until);
  by_end_.emplace(until, name);
}

bool RefusedNames::has(const std::string& name, base::SystemTime now) const {
  const auto known = until_.find(name);
  return known != until_.end() && now < known->second;
}

void RefusedNames::clear() {
  until_.clear();
  by_end_.clear();
}

}  // namespace acme
