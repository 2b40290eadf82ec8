// HostBook: who claims which host, and the routes that follow. A change of one Ingress costs the hosts that it names
// and what others claim of the same hosts. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kube/changes.h"
#include "kube/host_routes.h"
#include "kube/notice_board.h"

namespace kube {

using PlanPtr = std::shared_ptr<const IngressPlan>;

class HostBook {
 public:
  // `otherwise`: see merge_host().
  explicit HostBook(std::optional<config::Route> otherwise);

  void add(const PlanPtr& plan);
  // A plan that was added.
  void remove(const PlanPtr& plan);

  // Adds to `changes` what differs since the last call.
  void take(Changes& changes, NoticeBoard& notices, Work& work);

  // What others have of what this plan claims, if it came now, instead of the plan of its Ingress that is there.
  [[nodiscard]] std::vector<Notice> conflicts(const IngressPlan& plan) const;

  [[nodiscard]] std::vector<config::Route> routes() const;

 private:
  struct Entry {
    struct Share {
      PlanPtr plan;
      std::vector<const RouteClaim*> claims;  // of the plan, for this host
    };
    std::map<Seniority, Share> plans;
    std::vector<config::Route> published;
  };
  void update(const std::string& host, Entry& entry, Changes& changes, NoticeBoard& notices, Work& work);

  std::optional<config::Route> otherwise_;
  std::map<std::string, Entry> hosts_;
  std::set<std::string> touched_;
};

}  // namespace kube
