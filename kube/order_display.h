// OrderDisplay: keeps the Orders and Challenges that people look at as they are to be. What cannot be written is left;
// nothing depends on it. One thread.
#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "kube/client.h"
#include "kube/order_objects.h"

namespace kube {

class OrderDisplay {
 public:
  explicit OrderDisplay(Client& client) : client_(client) {}

  // Takes away what a process before this one showed. Blocking.
  void sweep(const std::string& name_space, const std::stop_token& stop);
  // From now on this, instead of what was shown of the Certificate before. Costs nothing if it is the same. Blocking.
  void show(const ObjectName& certificate, ShownOrder now, const std::stop_token& stop);

 private:
  void write(const Resource& resource, const nlohmann::json& object, const std::stop_token& stop);
  void remove(const Resource& resource, const nlohmann::json& object, const std::stop_token& stop);

  Client& client_;
  std::map<ObjectName, ShownOrder> shown_;  // by Certificate
};

}  // namespace kube
