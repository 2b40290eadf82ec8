#include "kube/secret_storage.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/kube/api_script.h"
#include "tests/kube/object_server.h"
#include "tests/support/silent_server.h"

namespace kube {
namespace {

class SecretStorageTest : public testing::Test {
 protected:
  test::ObjectServer server_;
  Client client_{server_.access()};
  SecretStorage storage_{client_, "edge"};
};

TEST_F(SecretStorageTest, SaysThatTheServerRefuses) {
  server_.forbid("PATCH");
  const auto written = storage_.write("certificates/a.pem", "x");
  ASSERT_FALSE(written);
  EXPECT_TRUE(written.error().what.contains("Forbidden")) << written.error().what;
}

// The API takes connections and says nothing: whoever waits for a call waits for its whole time, but for this.
TEST(InterruptedSecretStorage, EndsItsCallsLongBeforeTheirTime) {
  const test::SilentServer silent;
  Client client(std::make_shared<test::PlainAccess>(silent.url()), {.timeout = std::chrono::seconds(60)});
  SecretStorage storage(client, "edge");
  const auto begun = std::chrono::steady_clock::now();
  std::jthread reader([&] { EXPECT_FALSE(storage.read("certificates/a.pem")); });
  storage.interrupt();
  reader.join();
  EXPECT_FALSE(storage.write("certificates/a.pem", "x")) << "later ones end too";
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(30));
}

TEST_F(SecretStorageTest, RefusesWhatNoSecretCanHold) {
  EXPECT_EQ(storage_.write("certificates/a.pem", std::string(800U << 10U, 'x')).error().code, base::Code::too_large);
}

TEST_F(SecretStorageTest, TakesNoSecretOfAnotherForItsOwn) {
  ASSERT_TRUE(storage_.write("certificates/a.pem", "x"));
  const auto paths = server_.paths("/api/v1/namespaces/edge/secrets/");
  ASSERT_EQ(paths.size(), 1U);
  nlohmann::json other = server_.object(paths[0]);
  other["metadata"].erase("annotations");
  server_.put(paths[0], other);
  EXPECT_FALSE(storage_.read("certificates/a.pem"));
}

TEST_F(SecretStorageTest, HasNothingOfWhatIsNotThere) {
  EXPECT_EQ(storage_.read("certificates/a.pem").value(), std::nullopt);
  EXPECT_TRUE(storage_.remove("certificates/a.pem"));
  EXPECT_TRUE(storage_.list("certificates").value().empty());
}

TEST_F(SecretStorageTest, KeepsRecordsOfAnyBytesByKey) {
  const std::string bytes("a\0b\xff", 4);
  ASSERT_TRUE(storage_.write("certificates/_wildcard.example.com/ecdsa.pem", bytes));
  ASSERT_TRUE(storage_.write("certificates/a.pem", "first"));
  ASSERT_TRUE(storage_.write("certificates/a.pem", ""));
  ASSERT_TRUE(storage_.write("accounts/le.json", "{}"));
  EXPECT_EQ(storage_.read("certificates/_wildcard.example.com/ecdsa.pem").value(), bytes);
  EXPECT_EQ(storage_.read("certificates/a.pem").value(), "");
  EXPECT_EQ(storage_.list("certificates").value(),
            (std::vector<std::string>{"certificates/_wildcard.example.com/ecdsa.pem", "certificates/a.pem"}));
  EXPECT_EQ(storage_.list("certificates/_wildcard.example.com").value().size(), 1U);
  EXPECT_EQ(storage_.contents("certificates").value(),
            (std::map<std::string, std::string>{{"certificates/_wildcard.example.com/ecdsa.pem", bytes},
                                                {"certificates/a.pem", ""}}));
  ASSERT_TRUE(storage_.remove("certificates/a.pem"));
  EXPECT_EQ(storage_.list("certificates").value().size(), 1U);
}

}  // namespace
}  // namespace kube
