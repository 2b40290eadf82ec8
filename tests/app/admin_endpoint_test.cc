#include "app/admin_endpoint.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/app/observed.h"

namespace app {
namespace {

AdminAnswer ask(const std::string& method, const std::string& target) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  return answer_admin({method, target, "localhost"}, [&] { return gateway.observe(); });
}

TEST(AdminEndpoint, KnowsNoOtherPagesAndMethods) {
  EXPECT_EQ(ask("GET", "/nothing").status, 404U);
  EXPECT_EQ(ask("GET", "").status, 404U);
  EXPECT_EQ(ask("GET", "/api/certificates/x").status, 404U);
  EXPECT_EQ(ask("POST", "/readyz").status, 405U);
  EXPECT_EQ(ask("DELETE", "/api/config").status, 405U);
}

TEST(AdminEndpoint, AnswersWhatItPromises) {
  for (const char* path : {"/", "/healthz", "/readyz", "/metrics", "/api/status", "/api/certificates", "/api/routes",
                           "/api/backends", "/api/config", "/metrics?name[]=x"}) {
    const AdminAnswer answer = ask("GET", path);
    EXPECT_EQ(answer.status, 200U) << path;
    EXPECT_FALSE(answer.body.empty()) << path;
  }
}

TEST(AdminEndpoint, IsNotReadyWith503) {
  Observed gateway;
  gateway.seen.draining = true;
  EXPECT_EQ(answer_admin({"GET", "/readyz", "localhost"}, [&] { return gateway.observe(); }).status, 503U);
}

TEST(AdminEndpoint, IsAliveWithoutLookingAtAnything) {
  const AdminAnswer answer =
      answer_admin({"GET", "/healthz", "localhost"}, []() -> Observation { throw std::logic_error("looked"); });
  EXPECT_EQ(answer.status, 200U);
}

TEST(HostHeader, OfARebindingAttackIsNotBelieved) {
  for (const char* host : {"", "evil.example", "evil.example:9180", "127.0.0.1.evil.example", "localhost.evil.example",
                           "localhost:80x", "[::1", "[::1]x", "[]", "a@127.0.0.1"}) {
    EXPECT_FALSE(is_local_host_header(host)) << host;
  }
}

TEST(HostHeader, OfAnAddressOrLocalhostIsBelieved) {
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:9180", "localhost", "LocalHost:9180", "[::1]", "[::1]:9180", "10.0.0.1:1"}) {
    EXPECT_TRUE(is_local_host_header(host)) << host;
  }
}

}  // namespace
}  // namespace app
