// ObjectServer: the part of an API server that keeps objects: names, resourceVersions, conflicts, and a watch.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/kube/api_script.h"

namespace test {

class ObjectServer {
 public:
  ObjectServer() : server_([this](const ScriptedServer::Request& request) { return answer(request); }) {}

  [[nodiscard]] std::shared_ptr<kube::Access> access() { return std::make_shared<PlainAccess>(server_.url("")); }

  // Null: there is none.
  [[nodiscard]] nlohmann::json object(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(path);
    return found == objects_.end() ? nlohmann::json() : found->second;
  }
  // By somebody else.
  void put(const std::string& path, nlohmann::json object) {
    const std::lock_guard lock(mutex_);
    store(path, std::move(object));
  }
  void answer_all_with(unsigned status) {
    const std::lock_guard lock(mutex_);
    all_ = status;
  }
  void forbid(const std::string& method) {
    const std::lock_guard lock(mutex_);
    forbidden_.insert(method);
  }
  [[nodiscard]] unsigned refused() {
    const std::lock_guard lock(mutex_);
    return refused_;
  }
  [[nodiscard]] std::vector<std::string> paths(const std::string& beginning) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> those;
    for (const auto& [path, object] : objects_) {
      if (path.starts_with(beginning)) those.push_back(path);
    }
    return those;
  }
  // Looks after each request, for at most 20 seconds.
  bool wait_until(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds()) {
      std::unique_lock lock(mutex_);
      const auto seen = requests_;
      if (std::chrono::steady_clock::now() > end) return false;
      asked_.wait_for(lock, std::chrono::milliseconds(50), [&] { return requests_ != seen; });
    }
    return true;
  }

 private:
  using Reply = ScriptedServer::Reply;
  struct Happened {
    std::uint64_t version = 0;
    std::string path;
    std::string text;  // of the event
  };

  static Reply json(unsigned status, const nlohmann::json& body) { return {.status = status, .body = body.dump()}; }
  static Reply refusal(unsigned code, const std::string& reason) {
    return json(code, ApiScript::status_object(code, reason));
  }
  static std::string collection(const std::string& path) { return path.substr(0, path.rfind('/')); }
  // The collection of all namespaces.
  static std::string everywhere(const std::string& path) {
    const auto at = path.find("/namespaces/");
    if (at == std::string::npos) return {};
    const std::string all = collection(path);
    return path.substr(0, at) + all.substr(all.rfind('/'));
  }

  void store(const std::string& path, nlohmann::json object) {
    const bool is_new = !objects_.contains(path);
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    if (is_new) object["metadata"]["uid"] = "uid-" + std::to_string(version_);
    if (!is_new) object["metadata"]["uid"] = objects_[path]["metadata"]["uid"];
    objects_[path] = object;
    tell(path, is_new ? "ADDED" : "MODIFIED", object);
  }
  void tell(const std::string& path, const std::string& type, const nlohmann::json& object) {
    history_.push_back({version_, path, ApiScript::event(type, object)});
    for (const auto& [where, feed] : feeds_) say(history_.back(), where, *feed);
  }
  static void say(const Happened& event, const std::string& where, Feed& feed) {
    if (where == collection(event.path) || where == everywhere(event.path)) feed.say(event.text);
  }
  // A watch begins where the list before it ended.
  std::shared_ptr<Feed> watch(const std::string& path, const std::string& query) {
    auto feed = std::make_shared<Feed>();
    const auto at = query.find("resourceVersion=");
    const std::uint64_t after = at == std::string::npos ? version_ : std::stoull(query.substr(at + 16));
    for (const Happened& event : history_) {
      if (event.version > after) say(event, path, *feed);
    }
    feeds_.emplace_back(path, feed);
    return feed;
  }
  static bool selected(const nlohmann::json& object, const std::string& query) {
    const auto at = query.find("labelSelector=");
    if (at == std::string::npos) return true;
    std::string wanted = query.substr(at + 14, query.find('&', at) - at - 14);
    for (const auto& [from, to] : {std::pair("%2F", "/"), std::pair("%3D", "="), std::pair("%2C", ",")}) {
      for (auto found = wanted.find(from); found != std::string::npos; found = wanted.find(from))
        wanted.replace(found, 3, to);
    }
    while (!wanted.empty()) {
      const std::string each = wanted.substr(0, wanted.find(','));
      wanted.erase(0, std::min(each.size() + 1, wanted.size()));
      const auto equals = each.find('=');
      const auto labels = object["metadata"].value("labels", nlohmann::json::object());
      if (labels.value(each.substr(0, equals), "") != each.substr(equals + 1)) return false;
    }
    return true;
  }

  Reply answer(const ScriptedServer::Request& request) {
    const std::lock_guard lock(mutex_);
    ++requests_;
    asked_.notify_all();
    if (all_ != 0 || forbidden_.contains(request.method)) {
      ++refused_;
      return all_ != 0 ? refusal(all_, "Busy") : refusal(403, "Forbidden");
    }
    const auto question = std::min(request.target.find('?'), request.target.size());
    std::string path = request.target.substr(0, question);
    if (path.ends_with("/status")) path.resize(path.size() - 7);  // one object all the same
    const std::string query = request.target.substr(question);
    const nlohmann::json body = nlohmann::json::parse(request.body, nullptr, false);
    if (query.contains("sendInitialEvents")) return refusal(422, "Invalid");
    if (query.contains("watch=true")) {
      return {.feed = watch(path, query)};
    }
    const auto found = objects_.find(path);
    const std::string last = path.substr(path.rfind('/') + 1);
    if (request.method == "GET" && lists_.contains(last)) return listed(path, query);
    if (request.method == "POST") {
      const std::string whole = path + "/" + body["metadata"]["name"].get<std::string>();
      if (objects_.contains(whole)) return refusal(409, "AlreadyExists");
      store(whole, body);
      return json(201, objects_[whole]);
    }
    if (request.method == "PATCH" && request.header("Content-Type") == "application/apply-patch+yaml") {
      store(path, body);
      return json(200, objects_[path]);
    }
    if (found == objects_.end()) return refusal(404, "NotFound");
    return changed(request.method, path, body);
  }
  Reply listed(const std::string& path, const std::string& query) {
    std::vector<nlohmann::json> items;
    for (const auto& [each, object] : objects_) {
      if ((collection(each) == path || everywhere(each) == path) && selected(object, query)) items.push_back(object);
    }
    return json(200, ApiScript::list(std::move(items), std::to_string(version_)));
  }
  Reply changed(const std::string& method, const std::string& path, const nlohmann::json& body) {
    nlohmann::json& now = objects_[path];
    const std::string version = now["metadata"]["resourceVersion"];
    if (method == "GET") return json(200, now);
    if (method == "PUT") {
      if (body["metadata"].value("resourceVersion", version) != version) return refusal(409, "Conflict");
      store(path, body);
      return json(200, objects_[path]);
    }
    if (method == "PATCH") {
      nlohmann::json next = now;
      next.merge_patch(body);
      if (next["metadata"].value("resourceVersion", version) != version) return refusal(409, "Conflict");
      store(path, next);
      return json(200, objects_[path]);
    }
    const auto wanted = body.value("preconditions", nlohmann::json::object());
    if (wanted.value("resourceVersion", version) != version) return refusal(409, "Conflict");
    ++version_;
    tell(path, "DELETED", now);
    objects_.erase(path);
    return json(200, nlohmann::json::object());
  }

  const std::set<std::string> lists_{"secrets", "namespaces", "leases", "certificates", "issuers", "clusterissuers"};
  std::mutex mutex_;
  std::condition_variable asked_;
  std::uint64_t version_ = 100;
  std::uint64_t requests_ = 0;
  unsigned all_ = 0;
  unsigned refused_ = 0;
  std::set<std::string> forbidden_;
  std::map<std::string, nlohmann::json> objects_;
  std::vector<Happened> history_;
  std::vector<std::pair<std::string, std::shared_ptr<Feed>>> feeds_;
  ScriptedServer server_;  // last: it calls answer()
};

}  // namespace test
