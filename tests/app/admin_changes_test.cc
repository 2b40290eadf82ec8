#include "app/admin_changes.h"

#include <gtest/gtest.h>

#include "acme/challenge_table.h"
#include "acme/lock.h"
#include "acme/storage.h"
#include "tests/support/scratch_folder.h"

namespace app {
namespace {

AdminRequest post(const std::string& target) {
  return {"POST", target, "localhost", {}, "application/json"};
}

TEST(AdminChanges, LeaveOtherRequestsToOthers) {
  AdminChanges changes({.manager = [] { return nullptr; }, .needs_token = false, .token_file = {}});
  for (const char* target : {"/", "/api/certificates", "/api/certificates/a/delete", "/api/certificates/a/b/renew",
                             "/api/issuers/a/renew", "/api/doctor/x", "/metrics", ""})
    EXPECT_FALSE(changes.answer(post(target))) << target;
}

TEST(AdminChanges, TakeOnlyPostsOfJson) {
  AdminChanges changes({.manager = [] { return nullptr; }, .needs_token = false, .token_file = {}});
  auto request = post("/api/doctor");
  request.method = "GET";
  EXPECT_EQ(changes.answer(request)->status, 405U);
  request = post("/api/certificates/a/renew");
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}) {
    request.content_type = type;
    EXPECT_EQ(changes.answer(request)->status, 415U) << type;
  }
}

TEST(AdminChanges, TakeNothingFromElsewhereWithoutATokenFile) {
  AdminChanges changes({.manager = [] { return nullptr; }, .needs_token = true, .token_file = {}});
  EXPECT_EQ(changes.answer(post("/api/doctor"))->status, 403U);
}

TEST(AdminChanges, LookAtAClusterForThisMachineWithoutAToken) {
  AdminChanges changes({.manager = [] { return nullptr; },
                        .findings = [](const std::stop_token&) { return std::vector<acme::Finding>(); },
                        .elsewhere = []() -> AdminChanges::Examine {
                          return [](const std::stop_token&) { return std::vector<acme::Finding>(1); };
                        },
                        .needs_token = true,
                        .token_file = {}});
  auto request = post("/api/doctor");
  EXPECT_EQ(changes.answer(request)->status, 403U) << "from elsewhere";
  request.peer = AdminRequest::Peer::this_machine;
  EXPECT_EQ(changes.answer(request)->status, 202U);
  request.target = "/api/certificates/a/renew";
  EXPECT_EQ(changes.answer(request)->status, 403U) << "a change is no look";
}

TEST(AdminChanges, TakeEventsOnlyWithTheTokenWhereThereIsOneAlsoOnLoopback) {
  const test::ScratchFolder folder;
  const auto file = folder.path() / "token";
  folder.write("token", "secret");
  AdminChanges changes({.manager = [] { return nullptr; }, .needs_token = false, .token_file = file});
  auto request = post("/api/events/key-vault");
  request.body = "[]";
  EXPECT_EQ(changes.answer(request)->status, 401U);
  request.authorization = "Bearer secret";
  EXPECT_EQ(changes.answer(request)->status, 200U);
  AdminChanges open({.manager = [] { return nullptr; }, .needs_token = false, .token_file = {}});
  request.authorization.clear();
  EXPECT_EQ(open.answer(request)->status, 200U);
}

TEST(AdminChanges, TakeNoTokenButTheOneInTheFileNow) {
  const test::ScratchFolder folder;
  const auto file = folder.path() / "token";
  AdminChanges changes({.manager = [] { return nullptr; },
                        .findings = [](const std::stop_token&) { return std::vector<acme::Finding>(); },
                        .needs_token = true,
                        .token_file = file});
  auto request = post("/api/doctor");
  request.authorization = "Bearer ";
  EXPECT_EQ(changes.answer(request)->status, 403U) << "there is no file";
  folder.write("token", "\n");
  EXPECT_EQ(changes.answer(request)->status, 403U) << "an empty token is none";
  folder.write("token", "hunter2\n");
  for (const char* given : {"", "hunter2", "Bearer", "Bearer ", "Bearer hunter", "Bearer hunter22", "bearer hunter2"}) {
    request.authorization = given;
    const auto answer = changes.answer(request);
    EXPECT_EQ(answer->status, 401U) << given;
    EXPECT_EQ(answer->body.find("hunter2"), std::string::npos);
  }
  request.authorization = "Bearer hunter2";
  EXPECT_EQ(changes.answer(request)->status, 202U) << "it looks, also where nothing is issued";
  folder.write("token", "another\n");
  EXPECT_EQ(changes.answer(request)->status, 401U);
}

TEST(AdminChanges, KnowNoErrandThatNobodyBegan) {
  AdminChanges changes({.manager = [] { return nullptr; }, .needs_token = false, .token_file = {}});
  for (const char* target :
       {"/api/errands/1", "/api/errands/", "/api/errands/x", "/api/errands/-1", "/api/errands/99999999999999999999"}) {
    auto request = post(target);
    request.method = "GET";
    EXPECT_EQ(changes.answer(request)->status, 404U) << target;
  }
}

TEST(AdminChanges, SayThatNothingIsIssuedHere) {
  AdminChanges changes({.manager = [] { return nullptr; }, .needs_token = false, .token_file = {}});
  EXPECT_EQ(changes.answer(post("/api/certificates/a/renew"))->status, 409U);
}

TEST(AdminChanges, NameWhatTheyDoNotKnow) {
  const test::ScratchFolder folder;
  acme::FolderStorage storage(folder.path() / "acme");
  acme::FolderLocks locks(folder.path() / "locks");
  acme::FolderChallengeTable table(folder.path() / "challenges", [](const auto&) {});
  base::FakeClock clock{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
  acme::Manager manager(
      {.storage = storage, .locks = locks, .challenges = table, .clock = clock, .elsewhere = [](const auto&) {
         return std::pair(certstore::CertificatePtr(), std::string());
       }});
  AdminChanges changes({.manager = [&] { return &manager; }, .needs_token = false, .token_file = {}});
  const auto renewed = changes.answer(post("/api/certificates/a%2Fb/renew"));
  EXPECT_EQ(renewed->status, 404U);
  EXPECT_NE(renewed->body.find("a/b"), std::string::npos) << renewed->body;
  for (const char* reason : {"", "7", "11", "-1", "1x", "99999999999"})
    EXPECT_EQ(changes.answer(post(std::string("/api/certificates/a/revoke?reason=") + reason))->status, 400U) << reason;
  EXPECT_EQ(changes.answer(post("/api/certificates/a/revoke?reason=1"))->status, 202U);
  EXPECT_EQ(changes.answer(post("/api/certificates/a/revoke?by=me&reason=1"))->status, 202U);
  EXPECT_EQ(changes.answer(post("/api/certificates/a/revoke?by=me&reason=7"))->status, 400U) << "it is not overlooked";
  EXPECT_EQ(changes.answer(post("/api/certificates/a/revoke?season=7"))->status, 202U);
}

}  // namespace
}  // namespace app
