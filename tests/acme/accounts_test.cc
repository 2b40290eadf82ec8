#include "acme/accounts.h"

#include <gtest/gtest.h>

#include "acme/target.h"
#include "tests/acme/ca_script.h"
#include "tests/support/scratch_folder.h"

namespace acme {
namespace {

using test::CaScript;

class AccountsTest : public testing::Test {
 protected:
  AccountsTest() { issuer_.directory = ca_.url("/dir"); }
  CaScript::Reply account(unsigned status) const {
    return {.status = status,
            .headers = {{"Location", ca_.url("/account/1")}, {"Content-Type", "application/json"}},
            .body = R"({"status":"valid"})"};
  }

  CaScript ca_;
  test::ScratchFolder folder_;
  FolderStorage storage_{folder_.path()};
  FolderLocks locks_{folder_.path() / "locks"};
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
  config::AcmeIssuer issuer_;
  Client client_{{.directory_url = ca_.url("/dir"), .timeout = std::chrono::seconds(20)}, clock_};
  Accounts accounts_{storage_, locks_};
};

// The server has taken the new key, and then its answer went wrong: the account must not be lost.
TEST_F(AccountsTest, AsksWhichKeyCountsWhenTheServerFailsInAKeyChange) {
  ca_.on("/account", account(201));
  const auto before = accounts_.open(client_, issuer_, {});
  ASSERT_TRUE(before) << before.error().error.what;
  ca_.on("/account", account(200));
  ca_.problem("/key", 500, "serverInternal");
  EXPECT_FALSE(accounts_.roll_over(client_, issuer_, {}));
  const auto after = accounts_.open(client_, issuer_, {});
  ASSERT_TRUE(after) << after.error().error.what;
  EXPECT_FALSE(after->key.same_as(before->key)) << "the server knows the new one";
}

TEST_F(AccountsTest, KeepsTheKeyWhenTheServerRefusesTheNewOne) {
  ca_.on("/account", account(201));
  ca_.problem("/account", 400, "accountDoesNotExist");
  const auto before = accounts_.open(client_, issuer_, {});
  ASSERT_TRUE(before);
  ca_.problem("/key", 400, "malformed");
  EXPECT_FALSE(accounts_.roll_over(client_, issuer_, {}));
  const auto after = accounts_.open(client_, issuer_, {});
  ASSERT_TRUE(after) << after.error().error.what;
  EXPECT_TRUE(after->key.same_as(before->key));
}

// In any process: the two objects share nothing but the folder.
TEST_F(AccountsTest, RefuseARolloverWhileAnOrderIsSignedWithTheKey) {
  ca_.on("/account", account(201));
  ca_.on("/key", {});
  ASSERT_TRUE(accounts_.open(client_, issuer_, {}));
  FolderLocks locks_elsewhere(folder_.path() / "locks");
  Accounts elsewhere(storage_, locks_elsewhere);
  auto ordering = locks_elsewhere.take(lock_of_certificate("www.test"), std::chrono::milliseconds(0), {});
  ASSERT_TRUE(ordering);
  auto use = elsewhere.use(issuer_, "www.test");
  ASSERT_TRUE(use);
  const auto refused = accounts_.roll_over(client_, issuer_, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.code, base::Code::refused);
  EXPECT_NE(refused.error().error.what.find("www.test"), std::string::npos) << refused.error().error.what;
  EXPECT_TRUE(ca_.requests("/key").empty());
  ordering->reset();  // as if it were killed: what it wrote stays, its lock does not
  const auto rolled = accounts_.roll_over(client_, issuer_, {});
  EXPECT_TRUE(rolled) << rolled.error().error.what;
}

TEST_F(AccountsTest, RollOverWhenTheLastOrderIsDone) {
  ca_.on("/account", account(201));
  ca_.on("/key", {});
  ASSERT_TRUE(accounts_.open(client_, issuer_, {}));
  const auto ordering = locks_.take(lock_of_certificate("www.test"), std::chrono::milliseconds(0), {});
  {
    const auto use = accounts_.use(issuer_, "www.test");
  }
  EXPECT_TRUE(accounts_.roll_over(client_, issuer_, {}));
}

}  // namespace
}  // namespace acme
