// ScriptedGateway: an Application Gateway behind ARM as FACTS have it: the whole is PUT, nobody is protected from
// another's write, operations are asked for until they end, and another PUT cancels the one under way.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "certstore/certificate.h"
#include "tests/azure/gateway_examples.h"
#include "tests/support/scripted_server.h"

namespace test {

class ScriptedGateway {
 public:
  using Json = nlohmann::ordered_json;
  using Reply = ScriptedServer::Reply;
  using Request = ScriptedServer::Request;

  Json document = gateway_with({gateway_certificate("theirs", "*****")});
  std::string base_url;
  unsigned puts = 0;
  unsigned polls_until_done = 2;
  std::function<std::optional<Reply>(const Request&)> fault = {};  // in the place of the answer
  std::function<void(const Request&)> before = {};                 // somebody else is at it
  std::string fails_with = {};                                     // the operations
  bool shows_certificates = true;

  Reply answer(const Request& request) {
    if (before) before(request);
    if (fault) {
      if (auto reply = fault(request)) return *reply;
    }
    if (request.target.starts_with("/operations/")) return operation(request);
    EXPECT_EQ(request.target, gateway_id + "?api-version=2025-07-01");
    if (request.method == "GET") return {.body = document.dump()};
    return put(request);
  }

  // As another controller writes: at once, and what was under way is superseded.
  void write_beside(const std::function<void(Json&)>& change) {
    change(document);
    if (current_ && polls_left_ > 0) canceled_ = true;
  }
  [[nodiscard]] Json* find(const std::string& name) {
    for (Json& one : document["properties"]["sslCertificates"]) {
      if (one["name"] == name) return &one;
    }
    return nullptr;
  }
  // What our certificate of that name is, as the gateway would serve it.
  [[nodiscard]] std::string fingerprint(const std::string& name) const {
    const auto found = held_.find(name);
    return found == held_.end() ? "" : found->second;
  }

 private:
  Reply put(const Request& request) {
    ++puts;
    EXPECT_EQ(request.header("if-match"), "");
    document = Json::parse(request.body);
    for (Json& one : document["properties"]["sslCertificates"]) take(one);
    current_ = puts;
    canceled_ = false;
    polls_left_ = polls_until_done;
    Json shown = document;
    shown["properties"]["provisioningState"] = "Updating";
    return {.status = 200,
            .headers = {{"Azure-AsyncOperation", fmt::format("{}/operations/{}?api-version=x", base_url, puts)},
                        {"Retry-After", "3"}},
            .body = shown.dump()};
  }
  // What was uploaded is shown without its key.
  void take(Json& one) {
    if (!one["properties"].contains("data")) return;
    one["id"] = gateway_id + "/sslCertificates/" + one["name"].get<std::string>();  // moves what stands behind it
    Json& properties = one["properties"];
    const std::string password = properties["password"];
    EXPECT_FALSE(password.empty());
    const auto pfx = base::from_base64(properties["data"].get<std::string>());
    const auto opened = certstore::Certificate::from_pfx(*pfx, password);
    ASSERT_TRUE(opened);
    const std::string name = one["name"];
    held_[name] = (*opened)->fingerprint();
    const std::string shown = shows_certificates ? public_data({(*opened)->material()->leaf.get()}) : "*****";
    properties = {{"provisioningState", "Succeeded"}, {"publicCertData", shown}};
  }
  Reply operation(const Request& request) {
    const bool newest = request.target.starts_with(fmt::format("/operations/{}?", current_.value_or(0)));
    if (!newest || canceled_) {
      return {.body = R"({"status":"Canceled","error":{"code":"CanceledAndSupersededDueToAnotherOperation",
                          "message":"superseded"}})"};
    }
    if (polls_left_ > 0) {
      --polls_left_;
      return {.headers = {{"Retry-After", "5"}}, .body = R"({"status":"InProgress"})"};
    }
    document["properties"]["provisioningState"] = fails_with.empty() ? "Succeeded" : "Failed";
    if (!fails_with.empty()) {
      return {.body = fmt::format(R"({{"status":"Failed","error":{{"code":"{}","message":"no"}}}})", fails_with)};
    }
    return {.body = R"({"status":"Succeeded"})"};
  }

  std::optional<unsigned> current_;  // operation
  bool canceled_ = false;
  unsigned polls_left_ = 0;
  std::map<std::string, std::string> held_;
};

}  // namespace test
