#include "kube/host_book.h"

#include <utility>

namespace kube {
namespace {

std::set<std::string> hosts_of(const IngressPlan& plan) {
  std::set<std::string> hosts;
  for (const RouteClaim& claim : plan.claims) hosts.insert(claim.host);
  return hosts;
}

std::string giver(const std::string& host) {
  return "host " + host;
}

}  // namespace

HostBook::HostBook(std::optional<config::Route> otherwise) : otherwise_(std::move(otherwise)) {
  if (!otherwise_) return;
  hosts_[""];
  touched_.insert("");
}

void HostBook::add(const PlanPtr& plan) {
  for (const std::string& host : hosts_of(*plan)) {
    hosts_[host].plans[plan->seniority] = {.plan = plan, .claims = {}};
    touched_.insert(host);
  }
  for (const RouteClaim& claim : plan->claims) hosts_.at(claim.host).plans.at(plan->seniority).claims.push_back(&claim);
}

void HostBook::remove(const PlanPtr& plan) {
  for (const std::string& host : hosts_of(*plan)) {
    const auto found = hosts_.find(host);
    if (found == hosts_.end()) continue;
    found->second.plans.erase(plan->seniority);
    touched_.insert(host);
  }
}

void HostBook::take(Changes& changes, NoticeBoard& notices, Work& work) {
  for (const std::string& host : std::exchange(touched_, {})) {
    const auto found = hosts_.find(host);
    update(host, found->second, changes, notices, work);
    const bool needed = !found->second.plans.empty() || (host.empty() && otherwise_);
    if (!needed) hosts_.erase(found);
  }
}

void HostBook::update(const std::string& host, Entry& entry, Changes& changes, NoticeBoard& notices, Work& work) {
  ++work.hosts;
  std::vector<HostShare> shares;
  for (const auto& [seniority, share] : entry.plans) {
    work.claims += share.claims.size();
    shares.push_back({.plan = share.plan.get(), .claims = share.claims});
  }
  HostRoutes merged = merge_host(host, shares, otherwise_);
  notices.set(giver(host), std::move(merged.notices));
  if (merged.routes == entry.published) return;
  entry.published = merged.routes;
  changes.hosts[host] = std::move(merged.routes);
}

std::vector<Notice> HostBook::conflicts(const IngressPlan& plan) const {
  std::map<std::string, HostShare> own;
  for (const RouteClaim& claim : plan.claims) {
    HostShare& share = own[claim.host];
    share.plan = &plan;
    share.claims.push_back(&claim);
  }
  std::vector<Notice> all;
  for (auto& [host, mine] : own) {
    std::map<Seniority, HostShare> by_age;
    by_age.emplace(plan.seniority, std::move(mine));
    if (const auto there = hosts_.find(host); there != hosts_.end()) {
      for (const auto& [seniority, other] : there->second.plans) {
        if (other.plan->ingress.name == plan.ingress.name) continue;
        by_age.emplace(seniority, HostShare{.plan = other.plan.get(), .claims = other.claims});
      }
    }
    std::vector<HostShare> shares;
    for (auto& [seniority, share] : by_age) shares.push_back(std::move(share));
    for (Notice& notice : merge_host(host, shares, otherwise_).notices) {
      if (notice.object.name == plan.ingress.name) all.push_back(std::move(notice));
    }
  }
  return all;
}

std::vector<config::Route> HostBook::routes() const {
  std::vector<config::Route> all;
  for (const auto& [host, entry] : hosts_) all.insert(all.end(), entry.published.begin(), entry.published.end());
  return all;
}

}  // namespace kube
