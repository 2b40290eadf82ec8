// MirrorBook: which mirrors are asked for, what stands where they are to be, and what that means. Pure; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/mirror.h"
#include "kube/resource.h"

namespace kube {

struct MirrorKey {
  ObjectName source;
  ObjectName target;
  friend auto operator<=>(const MirrorKey&, const MirrorKey&) = default;
};

class MirrorBook {
 public:
  using SourcePtr = std::shared_ptr<const MirrorSource>;
  struct Verdict {
    enum class What : std::uint8_t { in_step, due, refused } what = What::due;
    std::string why;  // if refused
  };

  // A Secret as it is now; null: it is gone. Whether anything about mirrors may be different now.
  bool see_secret(const ObjectName& name, const nlohmann::json* secret);
  // What a Namespace says about mirrors; null: it is gone.
  void see_namespace(const std::string& name, const std::string* accepts);
  // Looks at a place where a foreign Secret stood as if nothing were known of it.
  void forget_foreign();

  [[nodiscard]] const std::map<ObjectName, SourcePtr>& sources() const noexcept { return sources_; }
  [[nodiscard]] Verdict judge(const MirrorSource& source, const ObjectName& target) const;
  // Mirrors that their source names no more, in namespaces that still take it. Those of a source that is gone stay:
  // nobody's certificate goes because something was deleted elsewhere.
  [[nodiscard]] std::vector<MirrorKey> to_go() const;
  [[nodiscard]] bool is_to_go(const MirrorKey& key) const;

 private:
  [[nodiscard]] bool is_target(const ObjectName& name) const;
  [[nodiscard]] bool accepted(const ObjectName& source, const ObjectName& target) const;

  std::map<ObjectName, SourcePtr> sources_;
  std::set<ObjectName> present_;  // all Secrets
  std::map<ObjectName, MirrorSight> sights_;
  std::map<std::string, std::string> namespaces_;
};

}  // namespace kube
