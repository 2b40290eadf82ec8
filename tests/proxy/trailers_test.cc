#include "proxy/trailers.h"

#include <gtest/gtest.h>

#include <string_view>

namespace proxy {
namespace {

TEST(RequestTrailers, CannotSayAgainWhatTheHeadersSettled) {
  for (const std::string_view name : {"X-Client-Verify", "client_cert", "X-Forwarded-For", "X_Real_IP", "Forwarded",
                                      "X-Request-Id", "Connection", "Upgrade", "TE", "Transfer-Encoding", "Host",
                                      "Content-Length", "Authorization", "Proxy-Authorization", "Cookie"}) {
    HeaderList sent;
    sent.add(name, "forged");
    EXPECT_TRUE(request_trailers(sent, {}).empty()) << name;
  }
}

TEST(RequestTrailers, CannotSayAgainWhatTheRouteSetsOrRemoves) {
  HeaderList sent;
  sent.add("X-User", "root");
  sent.add("X-Role", "admin");
  const config::HeaderChanges changes{.remove = {"x-role"}, .set = {{"X-User", "nobody"}}, .add = {}};
  EXPECT_TRUE(request_trailers(sent, changes).empty());
}

TEST(RequestTrailers, OfAllOtherNamesComeThrough) {
  HeaderList sent;
  sent.add("X-Sum", "42");
  sent.add("Grpc-Status", "0");
  const HeaderList kept = request_trailers(sent, {});
  EXPECT_EQ(kept.find("x-sum"), "42");
  EXPECT_EQ(kept.find("grpc-status"), "0");
}

}  // namespace
}  // namespace proxy
