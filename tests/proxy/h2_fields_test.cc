#include "proxy/h2_fields.h"

#include <initializer_list>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace proxy {
namespace {

struct Read {
  RequestHead head;
  unsigned refused = 0;
};

Read read(std::initializer_list<std::pair<std::string, std::string>> fields, bool end_stream = true,
          config::Limits limits = {}) {
  Read result;
  H2RequestFields reader;
  reader.begin(limits);
  for (const auto& [name, value] : fields) reader.add(result.head, name, value);
  result.refused = reader.finish(result.head, end_stream);
  return result;
}

TEST(H2RequestFields, RefusesATargetThatIsTooLong) {
  config::Limits limits;
  limits.uri_length = {8};
  const Read got = read({{":method", "GET"}, {":path", "/23456789"}}, true, limits);
  EXPECT_EQ(got.refused, 414U);
  EXPECT_TRUE(got.head.target.empty());
}

TEST(H2RequestFields, StoresNothingBeyondTheHeaderSize) {
  config::Limits limits;
  limits.header_size = {100};
  const Read got = read({{":method", "GET"}, {"a", std::string(60, 'x')}, {"b", std::string(60, 'y')}}, true, limits);
  EXPECT_EQ(got.refused, 431U);
  EXPECT_EQ(got.head.headers.size(), 1U);
}

TEST(H2RequestFields, RefusesTooManyFields) {
  config::Limits limits;
  limits.header_count = 1;
  EXPECT_EQ(read({{"a", "1"}, {"b", "2"}}, true, limits).refused, 431U);
}

TEST(H2RequestFields, RefusesAHostThatContradictsTheAuthority) {
  EXPECT_EQ(read({{":authority", "a.example"}, {"host", "b.example"}}).refused, 400U);
  EXPECT_EQ(read({{"host", "a.example"}, {"host", "a.example"}}).refused, 400U);
}

TEST(H2RequestFields, RefusesLengthsThatContradictEachOther) {
  EXPECT_EQ(read({{"content-length", "1"}, {"content-length", "2"}}).refused, 400U);
  EXPECT_EQ(read({{"content-length", "99999999999999999999"}}).refused, 400U);
}

TEST(H2RequestFields, TakesTheHostFieldWhereThereIsNoAuthority) {
  const Read got = read({{"host", "A.Example:8443"}});
  EXPECT_EQ(got.refused, 0U);
  EXPECT_EQ(got.head.authority, "a.example:8443");
  EXPECT_FALSE(got.head.headers.find("host"));
}

TEST(H2RequestFields, JoinsCookieCrumbs) {
  const Read got = read({{":method", "GET"}, {"cookie", "a=1"}, {"accept", "*/*"}, {"cookie", "b=2"}});
  EXPECT_EQ(got.head.headers.count(http::field::cookie), 1U);
  EXPECT_EQ(got.head.headers.find(http::field::cookie), "a=1; b=2");
}

TEST(H2RequestFields, MakesAnExtendedConnectAnUpgrade) {
  const Read got =
      read({{":method", "CONNECT"}, {":protocol", "WebSocket"}, {":path", "/chat"}, {":authority", "h"}}, false);
  EXPECT_EQ(got.head.verb, http::verb::get);
  EXPECT_EQ(got.head.method, "GET");
  EXPECT_EQ(got.head.upgrade, "websocket");
  EXPECT_EQ(got.head.target, "/chat");
  EXPECT_FALSE(got.head.has_body);
}

TEST(H2RequestFields, LeavesAPlainConnectWhatItIs) {
  const Read got = read({{":method", "CONNECT"}, {":authority", "h:443"}}, false);
  EXPECT_EQ(got.head.verb, http::verb::connect);
  EXPECT_EQ(got.head.target, "h:443");
  EXPECT_TRUE(got.head.upgrade.empty());
}

TEST(H2RequestFields, ReadsLengthAndExpectation) {
  const Read got = read({{":method", "POST"}, {"content-length", "42"}, {"expect", "100-Continue"}}, false);
  EXPECT_EQ(got.head.content_length, 42U);
  EXPECT_TRUE(got.head.expects_continue);
  EXPECT_TRUE(got.head.has_body);
}

TEST(H2FieldBlock, LeavesOutWhatHttp2Forbids) {
  HeaderList headers;
  headers.add("connection", "close");
  headers.add("transfer-encoding", "chunked");
  headers.add("sec-websocket-accept", "x");
  headers.add("server", "s");
  H2FieldBlock block;
  block.add_status(200);
  block.add(headers);
  block.add_content_length(7);
  ASSERT_EQ(block.size(), 3U);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(block.data()[1].name), block.data()[1].namelen), "server");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(block.data()[2].value), block.data()[2].valuelen), "7");
}

TEST(H2FieldBlock, KeepsWhatNeverComesTwiceOutOfThePeersTable) {
  HeaderList headers;
  headers.add("x-request-id", "1");
  headers.add("server", "s");
  headers.add("x-tenant", "t");
  H2FieldBlock block;
  block.add(headers);
  ASSERT_EQ(block.size(), 3U);
  EXPECT_EQ(block.data()[0].flags, NGHTTP2_NV_FLAG_NO_INDEX);
  EXPECT_EQ(block.data()[1].flags & NGHTTP2_NV_FLAG_NO_INDEX, 0);
  EXPECT_EQ(block.data()[2].flags, NGHTTP2_NV_FLAG_NONE) << "a name that lies in the list must be copied";
}

TEST(ResponseFields, RefusesABrokenStatusOrLength) {
  ResponseHead head;
  EXPECT_FALSE(add_response_field(head, ":status", "2x0"));
  EXPECT_FALSE(add_response_field(head, ":status", "99"));
  EXPECT_FALSE(add_response_field(head, "content-length", "-1"));
}

TEST(TrailerFields, LeaveOutPseudoFieldsAndFraming) {
  HeaderList trailers;
  add_trailer_field(trailers, ":path", "/");
  add_trailer_field(trailers, "content-length", "3");
  add_trailer_field(trailers, "grpc-status", "0");
  EXPECT_EQ(trailers.size(), 1U);
}

}  // namespace
}  // namespace proxy
