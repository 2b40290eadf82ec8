#include "kube/event_recorder.h"

#include <gtest/gtest.h>

#include "tests/kube/object_server.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
const std::string events_path = "/api/v1/namespaces/web/events/";

class EventRecorderTest : public testing::Test {
 protected:
  Notice event(const std::string& message, const std::string& name = "app") {
    return {.object = {"networking.k8s.io/v1", "Ingress", {"web", name}, "uid-" + name},
            .reason = "BadCertificate",
            .message = message};
  }
  void tell(EventRecorder& recorder, const Notice& event, std::uint64_t until) {
    recorder.tell(event);
    server_.wait_until([&] {
      const auto counters = recorder.counters();
      return counters.written + counters.dropped + counters.failed >= until;
    });
  }
  std::vector<nlohmann::json> events() {
    std::vector<nlohmann::json> all;
    for (const std::string& path : server_.paths(events_path)) all.push_back(server_.object(path));
    return all;
  }

  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 5 / 1)};
  test::ObjectServer server_;
  Client client_{server_.access(), {.clock = clock_, .requests_per_second = 1e6, .burst = 1'000'000}};
};

TEST_F(EventRecorderTest, CountsWhatItMayNotWrite) {
  server_.forbid("POST");
  EventRecorder recorder(client_, {.instance = "one"});
  tell(recorder, event("a"), 1);
  EXPECT_EQ(recorder.counters().failed, 1U);
}

TEST_F(EventRecorderTest, CombinesManyTextsOfOneReasonAndThenDrops) {
  EventRecorder recorder(client_, {.instance = "one", .burst = 15, .distinct = 3});
  for (int i = 0; i < 20; ++i) tell(recorder, event("text " + std::to_string(i)), static_cast<std::uint64_t>(i) + 1);
  EXPECT_EQ(recorder.counters().written, 15U);
  EXPECT_EQ(recorder.counters().dropped, 5U);
  ASSERT_EQ(events().size(), 4U);
  bool combined = false;
  for (const auto& each : events()) {
    combined = combined || (each["message"] == "(combined from similar events): text 14" && each["count"] == 12);
  }
  EXPECT_TRUE(combined);
  tell(recorder, event("another", "other"), 21);
  EXPECT_EQ(recorder.counters().written, 16U);
}

TEST_F(EventRecorderTest, CutsALongText) {
  EventRecorder recorder(client_, {.instance = "one"});
  tell(recorder, event(std::string(5000, 'x')), 1);
  ASSERT_EQ(events().size(), 1U);
  EXPECT_LE(events()[0]["message"].get<std::string>().size(), 1024U);
}

TEST_F(EventRecorderTest, CountsUpWhatHappensAgain) {
  EventRecorder recorder(client_, {.instance = "one"});
  tell(recorder, event("a"), 1);
  clock_.advance(1min);
  tell(recorder, event("a"), 2);
  tell(recorder, event("b"), 3);
  ASSERT_EQ(events().size(), 2U);
  const nlohmann::json first = events()[0]["message"] == "a" ? events()[0] : events()[1];
  EXPECT_EQ(first["count"], 2);
  EXPECT_EQ(first["firstTimestamp"], "2026-05-01T00:00:00Z");
  EXPECT_EQ(first["lastTimestamp"], "2026-05-01T00:01:00Z");
  EXPECT_EQ(first["type"], "Warning");
  EXPECT_EQ(first["involvedObject"]["kind"], "Ingress");
  EXPECT_EQ(first["source"]["component"], "sekisho");
}

TEST_F(EventRecorderTest, WritesWhatIsQueuedBeforeItEnds) {
  {
    EventRecorder recorder(client_, {.instance = "one"});
    for (int i = 0; i < 5; ++i) recorder.tell(event("text " + std::to_string(i)));
  }
  EXPECT_EQ(events().size(), 5U);
}

}  // namespace
}  // namespace kube
