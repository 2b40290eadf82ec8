#include "kube/object_inbox.h"

#include <utility>

namespace kube {

ObjectInbox::News ObjectInbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(news_, {});
}

bool ObjectInbox::synced() const {
  const std::lock_guard lock(mutex_);
  return synced_;
}

void ObjectInbox::replaced(std::vector<nlohmann::json> objects) {
  const std::lock_guard lock(mutex_);
  for (nlohmann::json& object : objects) {
    ObjectName name = name_of(object);
    news_.insert_or_assign(std::move(name), std::move(object));
  }
}

void ObjectInbox::changed(nlohmann::json object) {
  {
    const std::lock_guard lock(mutex_);
    ObjectName name = name_of(object);
    news_.insert_or_assign(std::move(name), std::move(object));
  }
  ring_();
}

void ObjectInbox::deleted(const ObjectName& name) {
  {
    const std::lock_guard lock(mutex_);
    news_.insert_or_assign(name, std::nullopt);
  }
  ring_();
}

void ObjectInbox::synced() {
  {
    const std::lock_guard lock(mutex_);
    synced_ = true;
  }
  ring_();
}

}  // namespace kube
