#include "kube/watch_stream.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/json.h"

namespace kube {
namespace {

struct Reader {
  std::vector<WatchEvent> events;
  WatchStream stream{[this](WatchEvent event) {
    events.push_back(std::move(event));
    return true;
  }};
};

TEST(WatchStream, RefusesALineThatIsTooLongBeforeItHasEnded) {
  Reader reader;
  const std::string block(1U << 20U, 'x');
  base::Result<bool> last = true;
  for (int i = 0; last && i < 17; ++i) last = reader.stream.feed(block);
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, base::Code::too_large);
}

TEST(WatchStream, RefusesWhatIsNestedDeepAndDoesNotEnd) {
  Reader reader;
  const auto fed = reader.stream.feed(R"({"type":"ADDED","object":{"a":)" + std::string(100'000, '[') + "\n");
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, base::Code::protocol);
}

TEST(WatchStream, LeavesOutWhatAStrangerHasNestedDeepAndGoesOn) {
  Reader reader;
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  ASSERT_TRUE(reader.stream.feed(R"({"type":"ADDED","object":{"metadata":{"name":"theirs"},"spec":{"a":)" + deep +
                                 "}}}\n" + R"({"type":"ADDED","object":{"metadata":{"name":"ours"}}})" + "\n"));
  ASSERT_EQ(reader.events.size(), 2U);
  EXPECT_EQ(reader.events[0].object["metadata"]["name"], "theirs");
  EXPECT_LT(base::json_line(reader.events[0].object).size(), 1000U);
  EXPECT_EQ(reader.events[1].object["metadata"]["name"], "ours");
}

TEST(WatchStream, RefusesWhatIsNoEvent) {
  for (const char* line : {"x", "[]", "{}", R"({"type":"ADDED"})", R"({"type":"ADDED","object":1})",
                           R"({"type":"WHAT","object":{}})", R"({"type":1,"object":{}})"}) {
    Reader reader;
    EXPECT_FALSE(reader.stream.feed(std::string(line) + "\n")) << line;
    EXPECT_TRUE(reader.events.empty());
  }
}

TEST(WatchStream, DeliversNothingOfALineThatHasNotEnded) {
  Reader reader;
  ASSERT_TRUE(reader.stream.feed(R"({"type":"ADDED","object":{}})"));
  EXPECT_TRUE(reader.events.empty());
  ASSERT_TRUE(reader.stream.feed("\n"));
  EXPECT_EQ(reader.events.size(), 1U);
}

TEST(WatchStream, ReadsEventsHoweverTheyAreCut) {
  const std::string text = R"({"type":"MODIFIED","object":{"a":"[[[\"]]"}})"
                           "\n\n"
                           R"({"type":"BOOKMARK","object":{}})"
                           "\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    Reader reader;
    for (std::size_t at = 0; at < text.size(); at += piece) ASSERT_TRUE(reader.stream.feed(text.substr(at, piece)));
    ASSERT_EQ(reader.events.size(), 2U);
    EXPECT_EQ(reader.events[0].type, WatchEvent::Type::modified);
    EXPECT_EQ(reader.events[1].type, WatchEvent::Type::bookmark);
  }
}

TEST(WatchStream, StopsWhereTheReceiverHasEnough) {
  int count = 0;
  WatchStream stream([&](WatchEvent) { return ++count < 2; });
  const std::string line = R"({"type":"ADDED","object":{}})"
                           "\n";
  const auto wanted = stream.feed(line + line + line);
  ASSERT_TRUE(wanted);
  EXPECT_FALSE(*wanted);
  EXPECT_EQ(count, 2);
}

}  // namespace
}  // namespace kube
