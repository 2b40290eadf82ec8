// CaScript: a CA on loopback whose answers a test writes down, one after the other for each path. Every answer brings a
// nonce of its own ("bm9uY2Ux", ...), as RFC 8555 §6.5 has it, unless it says otherwise.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "tests/support/scripted_server.h"

namespace test {

class CaScript {
 public:
  using Reply = ScriptedServer::Reply;

  CaScript() : server_([this](const ScriptedServer::Request& request) { return answer(request); }) {}

  // The last one of a path is given again and again.
  void on(const std::string& path, Reply reply) { replies_[path].push_back(std::move(reply)); }
  void json(const std::string& path, const nlohmann::json& body, unsigned status = 200) {
    on(path, {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = body.dump()});
  }
  void problem(const std::string& path, unsigned status, const std::string& type,
               std::vector<std::pair<std::string, std::string>> headers = {}) {
    headers.emplace_back("Content-Type", "application/problem+json");
    const nlohmann::json body{{"type", "urn:ietf:params:acme:error:" + type}, {"detail", "no " + type}};
    on(path, {.status = status, .headers = std::move(headers), .body = body.dump()});
  }

  [[nodiscard]] std::string url(const std::string& path) const { return server_.url(path); }
  [[nodiscard]] std::vector<ScriptedServer::Request> requests(const std::string& path) const {
    std::vector<ScriptedServer::Request> those;
    for (const auto& request : server_.requests()) {
      if (request.target == path) those.push_back(request);
    }
    return those;
  }
  [[nodiscard]] static nlohmann::json header_of(const ScriptedServer::Request& request) {
    return part_of(request, "protected");
  }
  [[nodiscard]] static nlohmann::json payload_of(const ScriptedServer::Request& request) {
    return part_of(request, "payload");
  }

 private:
  static nlohmann::json part_of(const ScriptedServer::Request& request, const char* part) {
    const auto jws = nlohmann::json::parse(request.body);
    const std::string text = base::from_base64url(jws.at(part).get<std::string>()).value();
    return text.empty() ? nlohmann::json() : nlohmann::json::parse(text);
  }
  Reply directory() const {
    const nlohmann::json body{{"newNonce", url("/nonce")}, {"newAccount", url("/account")},
                              {"newOrder", url("/order")}, {"revokeCert", url("/revoke")},
                              {"keyChange", url("/key")},  {"renewalInfo", url("/ari")}};
    return {.headers = {{"Content-Type", "application/json"}}, .body = body.dump()};
  }
  Reply answer(const ScriptedServer::Request& request) {
    Reply reply{.status = 404};
    if (auto& planned = replies_[request.target]; !planned.empty()) {
      reply = planned.front();
      if (planned.size() > 1) planned.pop_front();
    } else if (request.target == "/dir") {
      reply = directory();
    } else if (request.target == "/nonce") {
      reply.status = 200;
    }
    if (request.target != "/dir") {
      reply.headers.emplace_back("Replay-Nonce", base::to_base64url("nonce" + std::to_string(++nonces_)));
    }
    return reply;
  }

  int nonces_ = 0;
  std::map<std::string, std::deque<Reply>> replies_;
  ScriptedServer server_;  // last: it calls answer()
};

}  // namespace test
