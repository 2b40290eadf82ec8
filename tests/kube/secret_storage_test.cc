#include "kube/secret_storage.h"

#include <gtest/gtest.h>

#include "tests/kube/object_server.h"

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
