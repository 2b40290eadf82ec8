// BackendBook: which ports of Services are used by whom, and where they lead. Knows which backends a Service or an
// EndpointSlice concerns, so that one that changes costs only these. One thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "kube/changes.h"
#include "kube/ingress_plan.h"
#include "kube/notice_board.h"
#include "kube/service_endpoints.h"

namespace kube {

class BackendBook {
 public:
  void upsert(Service service);
  void upsert(EndpointSlice slice);
  void remove_service(const ObjectName& name);
  void remove_slice(const ObjectName& name);

  // `user` is told what is wrong with the backend. A use with other settings replaces the one before.
  void use(const BackendUse& backend, const ObjectRef& user);
  void release(const std::string& key, const ObjectRef& user);

  // Adds to `changes` what differs since the last call.
  void take(Changes& changes, NoticeBoard& notices, Work& work);

  [[nodiscard]] const std::shared_ptr<const config::Backend>* find(const std::string& key) const;

 private:
  struct Entry {
    BackendUse use;
    std::set<ObjectRef> users;
    std::shared_ptr<const config::Backend> published;
  };

  void touch(const ObjectName& service);
  void update(const std::string& key, Entry& entry, Changes& changes, NoticeBoard& notices, Work& work);

  std::map<ObjectName, Service> services_;
  std::map<ObjectName, std::map<std::string, EndpointSlice>> slices_;  // by Service, then by their own name
  std::map<ObjectName, ObjectName> service_of_slice_;
  std::map<std::string, Entry> backends_;
  std::map<ObjectName, std::set<std::string>> backends_of_service_;
  std::set<std::string> touched_;
};

}  // namespace kube
