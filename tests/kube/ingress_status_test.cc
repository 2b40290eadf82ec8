#include "kube/ingress_status.h"

#include <gtest/gtest.h>

#include "kube/leader.h"
#include "kube/lease_locks.h"
#include "kube/status_writer.h"
#include "tests/kube/object_server.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

TEST(IngressStatus, ReadsAnythingAsSomething) {
  for (const char* text :
       {"{}", "[]", R"({"status":1,"spec":2})", R"({"status":{"loadBalancer":{"ingress":[1,{"ip":2}]}}})"}) {
    EXPECT_EQ(addresses_in(json::parse(text)), json::array()) << text;
    EXPECT_EQ(addresses_of_service(json::parse(text)), json::array()) << text;
  }
}

TEST(IngressStatus, KnowsWhereAServiceIsReached) {
  const auto of = [](const char* text) { return addresses_of_service(json::parse(text)).dump(); };
  EXPECT_EQ(of(R"({"spec":{"type":"LoadBalancer","clusterIP":"10.0.0.1"},
                   "status":{"loadBalancer":{"ingress":[{"hostname":"b"},{"ip":"192.0.2.1","ports":[]}]}}})"),
            R"([{"hostname":"b"},{"ip":"192.0.2.1"}])");
  EXPECT_EQ(of(R"({"spec":{"type":"LoadBalancer","clusterIP":"10.0.0.1"}})"), "[]") << "its address is waited for";
  EXPECT_EQ(of(R"({"spec":{"type":"NodePort","clusterIP":"10.0.0.1","externalIPs":["192.0.2.2"]}})"),
            R"([{"ip":"192.0.2.2"}])");
  EXPECT_EQ(of(R"({"spec":{"type":"ClusterIP","clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1","fd00::1"]}})"),
            R"([{"ip":"10.0.0.1"},{"ip":"fd00::1"}])");
  EXPECT_EQ(of(R"({"spec":{"type":"ClusterIP","clusterIP":"None"}})"), "[]");
  EXPECT_EQ(of(R"({"spec":{"type":"ExternalName","externalName":"edge.example"}})"),
            R"([{"hostname":"edge.example"}])");
}

class StatusWriterTest : public testing::Test {
 protected:
  static std::string path(const std::string& name) { return object_path(resources::ingresses, {"web", name}); }
  void put(const std::string& name, const json& addresses) {
    json object{{"metadata", {{"name", name}, {"namespace", "web"}}}};
    object["status"] = status_patch(addresses)["status"];
    server_.put(path(name), object);
    writer_.seen({"web", name}, addresses);
  }
  json says(const std::string& name) { return addresses_in(server_.object(path(name))); }
  bool says_soon(const std::string& name, const json& addresses) {
    return server_.wait_until([&] { return says(name) == addresses; });
  }

  test::ObjectServer server_;
  Client client_{server_.access()};
  StatusWriter writer_{client_};
  const IngressAddresses ours_ = addresses_of({"192.0.2.1"});
};

TEST_F(StatusWriterTest, GoesOnWithOthersWhereOneCannotBeWritten) {
  writer_.publish(ours_);
  writer_.seen({"web", "a-absent"}, json::array());  // gone meanwhile
  put("b", json::array());
  for (const char* name : {"a-absent", "b"}) writer_.ours({"web", name}, true);
  writer_.lead(true);
  EXPECT_TRUE(says_soon("b", ours_));
}

TEST_F(StatusWriterTest, WritesOnlyWhereItLeadsAndOnlyItsOwn) {
  writer_.publish(ours_);
  put("mine", addresses_of({"198.51.100.7"}));
  put("theirs", json::array());
  writer_.ours({"web", "mine"}, true);
  writer_.ours({"web", "theirs"}, false);
  EXPECT_EQ(writer_.counters().pending, 1U);
  EXPECT_EQ(writer_.counters().written, 0U);
  writer_.lead(true);
  EXPECT_TRUE(says_soon("mine", ours_));
  EXPECT_EQ(says("theirs"), json::array());
}

TEST_F(StatusWriterTest, TakesItsAddressOutOfWhatIsNoLongerItsOwn) {
  writer_.publish(ours_);
  put("mine", ours_);
  writer_.ours({"web", "mine"}, true);
  put("taken", ours_);
  writer_.ours({"web", "taken"}, true);
  for (const char* name : {"mine", "taken"}) writer_.ours({"web", name}, false);
  put("taken", addresses_of({"198.51.100.7"}));  // who serves it now was quicker
  writer_.lead(true);
  EXPECT_TRUE(says_soon("mine", json::array()));
  EXPECT_EQ(says("taken"), addresses_of({"198.51.100.7"}));
}

TEST_F(StatusWriterTest, ClearsAllAtTheEnd) {
  writer_.publish(ours_);
  put("mine", ours_);
  writer_.ours({"web", "mine"}, true);
  writer_.lead(true);
  writer_.clear({});
  EXPECT_EQ(says("mine"), json::array());
}

TEST(Leader, LetsAnotherLeadWhenItEnds) {
  test::ObjectServer server;
  Client client(server.access());
  LeaseLocks first_locks(client, {.name_space = "edge", .identity = "first", .retry = 5ms});
  LeaseLocks second_locks(client, {.name_space = "edge", .identity = "second", .retry = 5ms});
  auto first = std::make_unique<Leader>(first_locks, "one", [](bool) {});
  ASSERT_TRUE(server.wait_until([&] { return first->leads(); }));
  Leader second(second_locks, "one", [](bool) {});
  EXPECT_FALSE(second.leads());
  first.reset();
  EXPECT_TRUE(server.wait_until([&] { return second.leads(); }));
}

}  // namespace
}  // namespace kube
