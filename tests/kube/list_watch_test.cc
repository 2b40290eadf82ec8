#include "kube/list_watch.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "tests/kube/api_script.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
using test::ApiScript;
const std::string path = "/api/v1/secrets";
const std::string list_of = "GET /api/v1/secrets?limit";
const std::string watch_of = "GET /api/v1/secrets?watch";

// Writes down what it is told, and waits for it.
class Told final : public WatchHandler {
 public:
  void replaced(std::vector<nlohmann::json> objects) override {
    std::string all = "replaced";
    for (const auto& object : objects) all += ' ' + name_of(object).name;
    say(all);
  }
  void changed(nlohmann::json object) override {
    say("changed " + name_of(object).name + ' ' + metadata_text(object, "resourceVersion"));
  }
  void deleted(const ObjectName& name) override { say("deleted " + name.name); }
  void synced() override { say("synced"); }

  // At the next line that begins so, once.
  void fail_at(std::string line) {
    const std::lock_guard lock(mutex_);
    fail_at_ = std::move(line);
  }
  std::vector<std::string> first(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 20s, [&] { return told_.size() >= count; });
    return told_;
  }

 private:
  void say(std::string what) {
    const std::lock_guard lock(mutex_);
    if (!fail_at_.empty() && what.starts_with(fail_at_)) {
      fail_at_.clear();
      throw std::runtime_error("out of order");
    }
    told_.push_back(std::move(what));
    changed_.notify_all();
  }
  std::string fail_at_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> told_;
};

using Lines = std::vector<std::string>;

class ListWatchTest : public testing::Test {
 protected:
  void list(std::vector<nlohmann::json> items, const std::string& version) {
    api_.json("GET " + path, ApiScript::list(std::move(items), version));
  }
  void start(ListWatch::Options options = {.resource = resources::secrets, .begin = ListWatch::Begin::as_list}) {
    options.pace = pace_;
    options.spread = 1ms;
    watch_ = std::make_unique<ListWatch>(api_.client, std::move(options), told_);
    watch_->start();
  }
  static nlohmann::json object(const char* name, const char* version) { return ApiScript::object(name, version); }
  static std::string expired() {
    return ApiScript::event("ERROR", ApiScript::status_object(410, "Expired", "too old resource version: 1 (9)"));
  }

  ApiScript api_;
  Told told_;
  Pace pace_{.first = 1ms, .longest = 5ms, .healthy = 60s};
  std::unique_ptr<ListWatch> watch_;
};

TEST_F(ListWatchTest, KeepsWhatItToldWhileTheApiIsAwayAndComparesAfterwards) {
  list({object("a", "1"), object("b", "2"), object("c", "3")}, "10");
  list({object("a", "1"), object("b", "20"), object("d", "21")}, "30");
  api_.on("GET " + path + "?watch", {.fate = test::ScriptedServer::Reply::Fate::lost});
  api_.on("GET " + path + "?watch", {.status = 500});
  api_.on("GET " + path + "?watch", {.status = 410});
  const auto feed = api_.watch(path);
  start();
  EXPECT_EQ(told_.first(6), (Lines{"replaced a b c", "synced", "changed b 20", "changed d 21", "deleted c", "synced"}));
  feed->say(ApiScript::event("ADDED", object("e", "31")));
  EXPECT_EQ(told_.first(7).back(), "changed e 31");
  EXPECT_GE(watch_->state().failures, 1U);  // libcurl itself asks again where a kept connection was lost
  EXPECT_EQ(watch_->state().expired, 1U);
  EXPECT_EQ(api_.requests(list_of).size(), 2U);  // one list, however often it failed
}

TEST_F(ListWatchTest, TellsAgainWhatItsHandlerCouldNotTake) {
  list({object("a", "1"), object("b", "2")}, "10");
  list({object("a", "5")}, "12");
  const auto feed = api_.watch(path);
  feed->say(ApiScript::event("DELETED", object("b", "11")));
  told_.fail_at("deleted b");
  start();
  EXPECT_EQ(told_.first(5), (Lines{"replaced a b", "synced", "changed a 5", "deleted b", "synced"}));
}

TEST_F(ListWatchTest, TellsTheWholeAgainWhereItsHandlerCouldNotTakeIt) {
  list({object("a", "1")}, "10");
  list({object("a", "1")}, "10");
  const auto feed = api_.watch(path);
  told_.fail_at("replaced");
  start();
  EXPECT_EQ(told_.first(2), (Lines{"replaced a", "synced"}));
}

TEST_F(ListWatchTest, TriesAgainSoonAfterAnotherCallHasFoundTheApi) {
  pace_ = {.first = 1h, .longest = 1h, .healthy = 60s};
  list({object("a", "1")}, "10");
  for (int i = 0; i < 2; ++i) {  // libcurl itself asks again where a kept connection was lost
    api_.on("GET " + path + "?watch", {.fate = test::ScriptedServer::Reply::Fate::lost});
  }
  const auto feed = api_.watch(path);
  feed->say(ApiScript::event("ADDED", object("b", "11")));
  api_.json("GET /api/v1/namespaces/web/secrets/a", object("a", "1"));
  start();
  while (watch_->state().failures == 0) std::this_thread::yield();
  ASSERT_TRUE(api_.client.get(resources::secrets, {"web", "a"}));
  EXPECT_EQ(told_.first(3).back(), "changed b 11");
}

TEST_F(ListWatchTest, IsConnectedBeforeAnythingChanges) {
  list({object("a", "1")}, "10");
  for (int i = 0; i < 2; ++i) {  // libcurl itself asks again where a kept connection was lost
    api_.on("GET " + path + "?watch", {.fate = test::ScriptedServer::Reply::Fate::lost});
  }
  const auto silent = api_.watch(path);
  start();
  while (watch_->state().failures == 0) std::this_thread::yield();
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!watch_->state().connected && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_TRUE(watch_->state().connected);
  EXPECT_EQ(watch_->state().last_failure, "");
}

TEST_F(ListWatchTest, ListsAgainWhenAnEventSaysThatTheVersionIsTooOld) {
  list({object("a", "1")}, "10");
  list({object("a", "2")}, "20");
  const auto first = api_.watch(path);
  const auto second = api_.watch(path);
  first->say(expired());
  start();
  EXPECT_EQ(told_.first(4), (Lines{"replaced a", "synced", "changed a 2", "synced"}));
  ASSERT_TRUE(api_.wait_for_requests(watch_of, 2));
  EXPECT_TRUE(api_.requests(watch_of).back().target.contains("resourceVersion=20"));
}

TEST_F(ListWatchTest, LeavesAServerAloneThatForgetsWhatItHasJustTold) {
  list({}, "10");
  api_.on("GET " + path + "?watch", {.status = 410});
  start();
  ASSERT_TRUE(api_.wait_for_requests(list_of, 4));
  EXPECT_GE(watch_->state().failures, 1U);
}

TEST_F(ListWatchTest, ListsAgainWhereTheServerWasPutBack) {
  list({object("a", "9")}, "100");
  list({object("a", "3")}, "20");
  api_.json("GET " + path + "?watch",
            ApiScript::status_object(504, "Timeout", "Too large resource version: 100, current: 20"), 504);
  const auto feed = api_.watch(path);
  start();
  EXPECT_EQ(told_.first(4), (Lines{"replaced a", "synced", "changed a 3", "synced"}));
}

TEST_F(ListWatchTest, GoesOnFromTheLastBookmarkWhenAWatchEnds) {
  list({object("a", "1")}, "10");
  const auto first = api_.watch(path);
  const auto second = api_.watch(path);
  first->say(ApiScript::event("BOOKMARK", {{"metadata", {{"resourceVersion", "55"}}}}));
  first->end();
  start();
  ASSERT_TRUE(api_.wait_for_requests(watch_of, 2));
  const auto watches = api_.requests(watch_of);
  EXPECT_TRUE(watches[0].target.contains("resourceVersion=10&"));
  EXPECT_TRUE(watches[0].target.contains("allowWatchBookmarks=true"));
  EXPECT_TRUE(watches[1].target.contains("resourceVersion=55&"));
  EXPECT_EQ(watch_->state().failures, 0U);
  EXPECT_EQ(api_.requests(list_of).size(), 1U);
}

TEST_F(ListWatchTest, CountsAWatchThatEndsAtOnceAsAFailure) {
  list({}, "10");
  const auto first = api_.watch(path);
  first->end();
  const auto second = api_.watch(path);
  start();
  ASSERT_TRUE(api_.wait_for_requests(watch_of, 2));
  EXPECT_EQ(watch_->state().failures, 1U);
}

TEST_F(ListWatchTest, NoticesThatNothingComesAnyMore) {
  list({}, "10");
  const auto first = api_.watch(path);
  const auto second = api_.watch(path);
  start({.resource = resources::secrets, .begin = ListWatch::Begin::as_list, .idle = 50ms});
  ASSERT_TRUE(api_.wait_for_requests(watch_of, 2));
  EXPECT_GE(watch_->state().stalled, 1U);
  first->end();
  second->end();
}

TEST_F(ListWatchTest, TellsEachChangeOnceAndInTheOrderOfTheServer) {
  list({object("a", "1"), object("b", "2")}, "10");
  const auto feed = api_.watch(path);
  start();
  const std::string two =
      ApiScript::event("MODIFIED", object("a", "1")) + ApiScript::event("MODIFIED", object("a", "11"));
  feed->say(two.substr(0, 30));
  feed->say(two.substr(30) + ApiScript::event("DELETED", object("b", "12")));
  feed->say(ApiScript::event("DELETED", object("never seen", "13")) + ApiScript::event("ADDED", object("b", "14")));
  EXPECT_EQ(told_.first(5), (Lines{"replaced a b", "synced", "changed a 11", "deleted b", "changed b 14"}));
}

TEST_F(ListWatchTest, BreaksOffAStreamThatIsNoneAndBeginsAnother) {
  list({}, "10");
  const auto first = api_.watch(path);
  const auto second = api_.watch(path);
  first->say("nonsense\n");
  start();
  second->say(ApiScript::event("ADDED", object("a", "11")));
  EXPECT_EQ(told_.first(3).back(), "changed a 11");
  EXPECT_EQ(watch_->state().failures, 1U);
}

TEST_F(ListWatchTest, TakesTheFirstStateAsEventsWhereTheServerCan) {
  const auto initial = api_.watch(path);
  const auto feed = api_.watch(path);
  initial->say(ApiScript::event("ADDED", object("a", "1")) + ApiScript::event("ADDED", object("b", "2")));
  nlohmann::json end{
      {"metadata", {{"resourceVersion", "77"}, {"annotations", {{"k8s.io/initial-events-end", "true"}}}}}};
  initial->say(ApiScript::event("BOOKMARK", end));
  start({.resource = resources::secrets});
  EXPECT_EQ(told_.first(2), (Lines{"replaced a b", "synced"}));
  ASSERT_TRUE(api_.wait_for_requests(watch_of, 2));
  const auto watches = api_.requests(watch_of);
  EXPECT_TRUE(watches[0].target.contains("sendInitialEvents=true&resourceVersionMatch=NotOlderThan"));
  EXPECT_TRUE(watches[1].target.contains("resourceVersion=77&"));
  EXPECT_EQ(api_.requests(list_of).size(), 0U);
}

TEST_F(ListWatchTest, ListsFromThenOnWhereTheServerRefusesInitialEvents) {
  api_.status("GET " + path + "?watch", 422, "Invalid");
  api_.on("GET " + path + "?watch", {.status = 410});
  const auto feed = api_.watch(path);
  list({object("a", "1")}, "10");
  start({.resource = resources::secrets});
  EXPECT_EQ(told_.first(3), (Lines{"replaced a", "synced", "synced"}));
  ASSERT_TRUE(api_.wait_for_requests(watch_of, 3));
  std::size_t with_initial_events = 0;
  for (const auto& request : api_.requests(watch_of)) {
    with_initial_events += request.target.contains("sendInitialEvents") ? 1U : 0U;
  }
  EXPECT_EQ(with_initial_events, 1U);
}

TEST_F(ListWatchTest, ListsWhereInitialEventsNeverEnd) {
  const auto initial = api_.watch(path);
  initial->say(ApiScript::event("ADDED", object("a", "1")));
  const auto feed = api_.watch(path);
  list({object("a", "1")}, "10");
  start({.resource = resources::secrets, .idle = 100ms});
  EXPECT_EQ(told_.first(2), (Lines{"replaced a", "synced"}));
  initial->end();
}

TEST_F(ListWatchTest, HasNothingOfAnOptionalResourceThatIsNotThere) {
  start({.resource = resources::secrets,
         .presence = ListWatch::Presence::optional,
         .begin = ListWatch::Begin::as_list,
         .look_again = 5ms});
  EXPECT_EQ(told_.first(2), (Lines{"replaced", "synced"}));
  const auto feed = api_.watch(path);
  list({object("a", "1")}, "10");
  EXPECT_EQ(told_.first(4), (Lines{"replaced", "synced", "changed a 1", "synced"}));
}

TEST_F(ListWatchTest, SaysThatARequiredResourceIsNotThere) {
  start();
  ASSERT_TRUE(api_.wait_for_requests(list_of, 2));
  const WatchState state = watch_->state();
  EXPECT_FALSE(state.synced);
  EXPECT_TRUE(state.last_failure.contains("HTTP 404")) << state.last_failure;
}

TEST_F(ListWatchTest, EndsAtOnceWhileItWaits) {
  list({}, "10");
  const auto feed = api_.watch(path);
  start();
  ASSERT_TRUE(api_.wait_for_requests(watch_of, 1));
  const auto begun = std::chrono::steady_clock::now();
  watch_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 700ms);
}

}  // namespace
}  // namespace kube
