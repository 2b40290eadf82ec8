#include "kube/backend_book.h"

#include <utility>
#include <vector>

namespace kube {
namespace {

std::string giver(const std::string& key) {
  return "backend " + key;
}

bool differs_in_endpoints_only(const config::Backend& a, const config::Backend& b) {
  config::Backend other = a;
  other.endpoints = b.endpoints;
  return other == b;
}

}  // namespace

void BackendBook::upsert(Service service) {
  const ObjectName name = service.metadata.name;
  services_.insert_or_assign(name, std::move(service));
  touch(name);
}

void BackendBook::remove_service(const ObjectName& name) {
  if (services_.erase(name) > 0) touch(name);
}

void BackendBook::upsert(EndpointSlice slice) {
  const ObjectName name = slice.metadata.name;
  const ObjectName service{name.name_space, slice.service};
  const auto before = service_of_slice_.find(name);
  if (before != service_of_slice_.end() && before->second != service) remove_slice(name);
  if (slice.service.empty()) return;
  service_of_slice_[name] = service;
  slices_[service].insert_or_assign(name.name, std::move(slice));
  touch(service);
}

void BackendBook::remove_slice(const ObjectName& name) {
  const auto found = service_of_slice_.find(name);
  if (found == service_of_slice_.end()) return;
  const ObjectName service = found->second;
  service_of_slice_.erase(found);
  const auto slices = slices_.find(service);
  slices->second.erase(name.name);
  if (slices->second.empty()) slices_.erase(slices);
  touch(service);
}

void BackendBook::use(const BackendUse& backend, const ObjectRef& user) {
  Entry& entry = backends_[backend.key];
  entry.use = backend;
  entry.users.insert(user);
  backends_of_service_[backend.service].insert(backend.key);
  touched_.insert(backend.key);
}

void BackendBook::release(const std::string& key, const ObjectRef& user) {
  const auto found = backends_.find(key);
  if (found == backends_.end()) return;
  found->second.users.erase(user);
  touched_.insert(key);
}

void BackendBook::touch(const ObjectName& service) {
  const auto used = backends_of_service_.find(service);
  if (used != backends_of_service_.end()) touched_.insert(used->second.begin(), used->second.end());
}

void BackendBook::take(Changes& changes, NoticeBoard& notices, Work& work) {
  for (const std::string& key : std::exchange(touched_, {})) {
    const auto found = backends_.find(key);
    if (found == backends_.end()) continue;
    Entry& entry = found->second;
    if (!entry.users.empty()) {
      update(key, entry, changes, notices, work);
      continue;
    }
    if (entry.published) changes.backends[key] = nullptr;
    notices.set(giver(key), {});
    const auto used = backends_of_service_.find(entry.use.service);
    used->second.erase(key);
    if (used->second.empty()) backends_of_service_.erase(used);
    backends_.erase(found);
  }
}

void BackendBook::update(const std::string& key, Entry& entry, Changes& changes, NoticeBoard& notices, Work& work) {
  std::vector<const EndpointSlice*> slices;
  if (const auto of_service = slices_.find(entry.use.service); of_service != slices_.end()) {
    for (const auto& [name, slice] : of_service->second) slices.push_back(&slice);
  }
  const auto service = services_.find(entry.use.service);
  const ServiceEndpoints found =
      find_endpoints(service == services_.end() ? nullptr : &service->second, entry.use, slices);
  ++work.backends;
  work.slices += slices.size();

  std::vector<Notice> said;
  if (!found.reason.empty()) {
    for (const ObjectRef& user : entry.users) said.push_back({user, found.type, found.reason, found.message});
  }
  notices.set(giver(key), std::move(said));

  auto made = std::make_shared<const config::Backend>(make_backend(entry.use, found));
  if (entry.published && *entry.published == *made) return;
  if (entry.published && differs_in_endpoints_only(*entry.published, *made)) changes.endpoints_only.insert(key);
  entry.published = made;
  changes.backends[key] = std::move(made);
}

const std::shared_ptr<const config::Backend>* BackendBook::find(const std::string& key) const {
  const auto found = backends_.find(key);
  return found == backends_.end() || !found->second.published ? nullptr : &found->second.published;
}

}  // namespace kube
