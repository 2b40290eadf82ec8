// ApiScript: an API server on loopback whose answers a test writes down, one after the other for each method and path.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/access.h"
#include "kube/client.h"
#include "tests/support/scripted_server.h"

namespace test {

// Goes where it is told, with a token that can be renewed.
class PlainAccess final : public kube::Access {
 public:
  explicit PlainAccess(std::string server) : server_(std::move(server)) {}
  base::Result<kube::Connection> connection(std::stop_token) override {
    return kube::Connection{.server = server_, .token = token, .proxy = base::HttpRequest::Proxy::none};
  }
  bool renew(const kube::Connection&) override {
    if (next_token.empty()) return false;
    token = std::exchange(next_token, {});
    return true;
  }
  std::string own_namespace() const override { return "edge"; }

  std::string token = "old-token";
  std::string next_token;

 private:
  std::string server_;
};

class ApiScript {
 public:
  using Reply = ScriptedServer::Reply;
  using Request = ScriptedServer::Request;

  ApiScript()
      : server_([this](const Request& request) { return answer(request); }),
        access(std::make_shared<PlainAccess>(server_.url(""))),
        client(access, {.requests_per_second = 1000, .burst = 1000, .timeout = std::chrono::seconds(20)}) {}

  // The last one is given again and again. `what`: "GET /api/v1/secrets", without the query; the first that stands for
  // all of the query comes first: "GET /api/v1/secrets?watch".
  void on(const std::string& what, Reply reply) {
    const std::lock_guard lock(mutex_);
    replies_[what].push_back(std::move(reply));
  }
  void json(const std::string& what, const nlohmann::json& body, unsigned status = 200) {
    on(what, {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = body.dump()});
  }
  void status(const std::string& what, unsigned code, const std::string& reason, const std::string& message = "no") {
    json(what, status_object(code, reason, message), code);
  }
  // A watch that the test goes on with.
  std::shared_ptr<Feed> watch(const std::string& path) {
    auto feed = std::make_shared<Feed>();
    on("GET " + path + "?watch", {.feed = feed});
    return feed;
  }

  static nlohmann::json status_object(unsigned code, const std::string& reason, const std::string& message = "no") {
    return {{"kind", "Status"}, {"status", "Failure"}, {"code", code}, {"reason", reason}, {"message", message}};
  }
  static nlohmann::json object(const std::string& name, const std::string& version) {
    return {{"metadata", {{"name", name}, {"namespace", "web"}, {"resourceVersion", version}}}};
  }
  static nlohmann::json list(std::vector<nlohmann::json> items, const std::string& version,
                             const std::string& next = "") {
    nlohmann::json metadata{{"resourceVersion", version}};
    if (!next.empty()) metadata["continue"] = next;
    return {{"kind", "SecretList"}, {"metadata", metadata}, {"items", std::move(items)}};
  }
  static std::string event(const std::string& type, const nlohmann::json& object) {
    return nlohmann::json{{"type", type}, {"object", object}}.dump() + "\n";
  }

  [[nodiscard]] std::vector<Request> requests(const std::string& beginning = "") const {
    std::vector<Request> those;
    for (const auto& request : server_.requests()) {
      if ((request.method + " " + request.target).starts_with(beginning)) those.push_back(request);
    }
    return those;
  }
  // Waits until there were so many; whether they came.
  bool wait_for_requests(const std::string& beginning, std::size_t count) {
    std::unique_lock lock(mutex_);
    return asked_.wait_for(lock, std::chrono::seconds(20), [&] { return counted(beginning) >= count; });
  }

 private:
  std::size_t counted(const std::string& beginning) const {
    std::size_t count = 0;
    for (const std::string& line : lines_) count += line.starts_with(beginning) ? 1U : 0U;
    return count;
  }
  Reply answer(const Request& request) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(request.method + " " + request.target);
    asked_.notify_all();
    const auto question = request.target.find('?');
    const std::string path = request.method + " " + request.target.substr(0, question);
    if (request.target.contains("watch=true")) {
      if (auto reply = planned(path + "?watch")) return *reply;
      return {.status = 503};
    }
    if (auto reply = planned(path)) return *reply;
    return {.status = 404, .body = status_object(404, "NotFound").dump()};
  }
  std::optional<Reply> planned(const std::string& what) {
    const auto found = replies_.find(what);
    if (found == replies_.end()) return std::nullopt;
    Reply reply = found->second.front();
    // What was streamed is over; anything else is said again.
    if (found->second.size() > 1 || reply.feed) found->second.pop_front();
    if (found->second.empty()) replies_.erase(found);
    return reply;
  }

  mutable std::mutex mutex_;
  std::condition_variable asked_;
  std::vector<std::string> lines_;
  std::map<std::string, std::deque<Reply>> replies_;
  ScriptedServer server_;

 public:
  std::shared_ptr<PlainAccess> access;
  kube::Client client;
};

}  // namespace test
