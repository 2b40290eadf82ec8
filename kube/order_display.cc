#include "kube/order_display.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace kube {
namespace {

bool is_in(const std::vector<nlohmann::json>& objects, const nlohmann::json& object) {
  return std::ranges::any_of(objects, [&](const auto& each) { return name_of(each) == name_of(object); });
}

}  // namespace

void OrderDisplay::sweep(const std::string& name_space, const std::stop_token& stop) {
  for (const Resource* resource : {&resources::challenges, &resources::orders}) {
    const auto left =
        client_.list(*resource, {.name_space = name_space, .labels = fmt::format("{}=true", shown_label), .fields = {}},
                     stop, Client::Content::metadata);
    if (!left) continue;
    for (const nlohmann::json& object : left->items) remove(*resource, object, stop);
  }
}

void OrderDisplay::show(const ObjectName& certificate, ShownOrder now, const std::stop_token& stop) {
  const auto found = shown_.find(certificate);
  const ShownOrder before = found == shown_.end() ? ShownOrder() : found->second;
  if (before == now) return;
  for (const nlohmann::json& object : before.challenges) {
    if (!is_in(now.challenges, object)) remove(resources::challenges, object, stop);
  }
  if (!before.order.is_null() && (now.order.is_null() || name_of(before.order) != name_of(now.order))) {
    remove(resources::orders, before.order, stop);
  }
  if (now.order.is_null()) {
    if (found != shown_.end()) shown_.erase(found);
    return;
  }
  if (before.order != now.order) write(resources::orders, now.order, stop);
  for (const nlohmann::json& object : now.challenges) {
    const bool same = std::ranges::find(before.challenges, object) != before.challenges.end();
    if (!same) write(resources::challenges, object, stop);
  }
  shown_.insert_or_assign(certificate, std::move(now));
}

void OrderDisplay::write(const Resource& resource, const nlohmann::json& object, const std::stop_token& stop) {
  nlohmann::json plain = object;
  plain.erase("status");
  if (!client_.apply(resource, plain, Client::Conflict::force, {}, stop)) return;
  (void)client_.merge(resource, name_of(object), {{"status", object["status"]}}, "status", stop);
}

void OrderDisplay::remove(const Resource& resource, const nlohmann::json& object, const std::stop_token& stop) {
  (void)client_.remove(resource, name_of(object), {}, stop);
}

}  // namespace kube
