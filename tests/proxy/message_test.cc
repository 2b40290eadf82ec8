#include "proxy/message.h"

#include <string>

#include <gtest/gtest.h>

namespace proxy {
namespace {

TEST(SpareHeads, KeepNothingOfWhatWasSaid) {
  SpareHeads spare;
  ResponseHead head = spare.take();
  head.status = 404;
  head.has_body = false;
  head.content_length = 7;
  head.upgrade = "websocket";
  head.headers.add("set-cookie", "secret");
  spare.give_back(std::move(head));
  const ResponseHead again = spare.take();
  EXPECT_EQ(again.status, 0U);
  EXPECT_TRUE(again.has_body);
  EXPECT_FALSE(again.content_length);
  EXPECT_TRUE(again.upgrade.empty());
  EXPECT_TRUE(again.headers.empty());
  EXPECT_GT(again.headers.room(), 0U) << "its memory is what it is kept for";
}

TEST(SpareHeads, DoNotKeepWhatABackendHasMadeLarge) {
  SpareHeads spare;
  ResponseHead head = spare.take();
  head.headers.add("x-large", std::string(100'000, 'x'));
  spare.give_back(std::move(head));
  EXPECT_LT(spare.take().headers.room(), 100'000U);
}

}  // namespace
}  // namespace proxy
