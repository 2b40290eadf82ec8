// AzureScript: one HTTP server that plays Entra, the metadata service and a vault, as a test tells it to.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "azure/services.h"
#include "base/clock.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_server.h"

namespace test {

class AzureScript {
 public:
  using Reply = ScriptedServer::Reply;
  using Request = ScriptedServer::Request;

  AzureScript() {
    folder.write(
        "token",
        jwt({{"iss", "https://oidc.example/"}, {"sub", "system:serviceaccount:web:edge"}, {"aud", "api://x"}}));
    reply("POST /tenant-1/oauth2/v2.0/token", {.body = R"({"access_token":"token-1","expires_in":3600})"});
  }

  // "METHOD /path", without the query; what is said last counts from then on.
  void reply(const std::string& what, Reply reply) {
    const std::lock_guard lock(mutex_);
    replies_[what] = [reply](const Request&) { return reply; };
  }
  void reply(const std::string& what, std::function<Reply(const Request&)> answer) {
    const std::lock_guard lock(mutex_);
    replies_[what] = std::move(answer);
  }
  // That these come first, one after another.
  void first(const std::string& what, std::vector<Reply> replies) {
    const std::lock_guard lock(mutex_);
    auto after = replies_[what];
    auto left = std::make_shared<std::vector<Reply>>(std::move(replies));
    replies_[what] = [left, after](const Request& request) {
      if (left->empty()) return after(request);
      Reply next = left->front();
      left->erase(left->begin());
      return next;
    };
  }
  [[nodiscard]] std::size_t count(const std::string& what) const {
    std::size_t times = 0;
    for (const Request& request : server.requests()) times += key_of(request) == what ? 1 : 0;
    return times;
  }
  [[nodiscard]] std::vector<Request> requests(const std::string& what) const {
    std::vector<Request> found;
    for (const Request& request : server.requests()) {
      if (key_of(request) == what) found.push_back(request);
    }
    return found;
  }

  [[nodiscard]] config::Azure config() const {
    config::Azure azure;
    azure.authority_host = server.url("");
    azure.resource_manager = server.url("");
    azure.metadata_endpoint = server.url("");
    azure.identity.kind = config::AzureIdentity::Kind::workload;
    azure.identity.tenant_id = "tenant-1";
    azure.identity.client_id = "client-1";
    azure.identity.token_file = folder / "token";
    return azure;
  }
  [[nodiscard]] std::shared_ptr<const azure::Services> services() const { return services(config()); }
  [[nodiscard]] std::shared_ptr<const azure::Services> services(const config::Azure& azure) const {
    return azure::make_services(azure, clock, {}, [this](std::chrono::milliseconds time, const std::stop_token&) {
      const std::lock_guard lock(mutex_);
      waits.push_back(time);
      clock.advance(time);
      return true;
    });
  }
  // With another clock and wait.
  [[nodiscard]] std::shared_ptr<const azure::Services> services_at(const base::Clock& time,
                                                                   azure::Client::Wait wait) const {
    return azure::make_services(config(), time, {}, std::move(wait));
  }

  static std::string jwt(const nlohmann::json& claims);

  mutable base::FakeClock clock{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)};
  mutable std::vector<std::chrono::milliseconds> waits;
  ScratchFolder folder;

 private:
  static std::string key_of(const Request& request) {
    return request.method + ' ' + request.target.substr(0, request.target.find('?'));
  }
  Reply answer(const Request& request) {
    std::function<Reply(const Request&)> found;
    {
      const std::lock_guard lock(mutex_);
      const auto known = replies_.find(key_of(request));
      if (known != replies_.end()) found = known->second;
    }
    if (found) return found(request);
    return {.status = 404, .body = R"({"error":{"code":"NotFound","message":"nothing here"}})"};
  }

  mutable std::mutex mutex_;
  std::map<std::string, std::function<Reply(const Request&)>> replies_;

 public:
  ScriptedServer server{[this](const Request& request) { return answer(request); }};
};

}  // namespace test
