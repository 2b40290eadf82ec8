#include "proxy/h1_writer.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/proxy/wire.h"

namespace proxy {
namespace {

using Framing = H1BodyWriter::Framing;

class H1BodyWriterTest : public testing::Test {
 protected:
  // Ends the connection and gives all that arrived.
  std::string heard() {
    wire.transport.close_write();
    return wire.peer.hear_all();
  }
  test::LocalWorker local;
  test::Wire wire{local};
  H1BodyWriter writer{wire.transport};
};

TEST_F(H1BodyWriterTest, NeverSendsMoreThanWasAnnounced) {
  writer.begin(Framing::length, 5);
  writer.write(std::string_view("abc"));
  writer.write(std::string_view("defHTTP/1.1 200 OK"));
  writer.finish({});
  EXPECT_TRUE(writer.complete());
  EXPECT_EQ(heard(), "abcde");
}

TEST_F(H1BodyWriterTest, LessThanWasAnnouncedIsNotComplete) {
  writer.begin(Framing::length, 5);
  writer.write(std::string_view("abc"));
  EXPECT_FALSE(writer.complete());
  writer.finish({});
  EXPECT_FALSE(writer.complete());
}

TEST_F(H1BodyWriterTest, TheLastBodyEndsTheConnection) {
  writer.begin(Framing::length, 5, true);
  writer.write(std::string_view("hello"));
  writer.finish({});
  EXPECT_EQ(wire.peer.hear_all(), "hello");
}

TEST_F(H1BodyWriterTest, ALastBodyThatIsTooShortHasNoProperEnd) {
  writer.begin(Framing::length, 5, true);
  writer.write(std::string_view("hell"));
  writer.finish({});
  writer.push();
  EXPECT_EQ(wire.peer.hear(4), "hell");
  EXPECT_TRUE(wire.peer.silent());
}

TEST_F(H1BodyWriterTest, WithoutABodyNothingIsSent) {
  writer.begin(Framing::none);
  writer.write(std::string_view("of a HEAD"));
  writer.finish({});
  EXPECT_TRUE(writer.complete());
  EXPECT_EQ(heard(), "");
}

// An empty chunk would be the end of the body.
TEST_F(H1BodyWriterTest, AnEmptyPieceIsNoChunk) {
  writer.begin(Framing::chunked);
  writer.write({});
  writer.write(std::string_view("x"));
  writer.finish({});
  EXPECT_EQ(heard(), "1\r\nx\r\n0\r\n\r\n");
}

TEST_F(H1BodyWriterTest, NothingFollowsTheEnd) {
  writer.begin(Framing::chunked);
  writer.finish({});
  writer.finish({});
  writer.write(std::string_view("late"));
  EXPECT_EQ(heard(), "0\r\n\r\n");
}

TEST_F(H1BodyWriterTest, ChunksCarryTheirSizeInHexadecimal) {
  const std::string large(65'536, 'L');
  writer.begin(Framing::chunked);
  writer.write(std::string_view("hello"));
  writer.write(large);
  writer.finish({});
  EXPECT_TRUE(writer.complete());
  EXPECT_EQ(heard(), "5\r\nhello\r\n10000\r\n" + large + "\r\n0\r\n\r\n");
}

TEST_F(H1BodyWriterTest, TrailersFollowTheLastChunk) {
  HeaderList trailers;
  trailers.add("grpc-status", "0");
  trailers.add("grpc-message", "fine");
  writer.begin(Framing::chunked);
  writer.write(std::string_view("x"));
  writer.finish(trailers);
  EXPECT_EQ(heard(), "1\r\nx\r\n0\r\ngrpc-status: 0\r\ngrpc-message: fine\r\n\r\n");
}

TEST_F(H1BodyWriterTest, RawEndsWithTheConnection) {
  writer.begin(Framing::raw);
  writer.write(std::string_view("to the end"));
  writer.finish({});
  EXPECT_TRUE(writer.raw());
  EXPECT_EQ(wire.peer.hear_all(), "to the end");
}

TEST(H1Text, NumbersAndReasons) {
  std::string text;
  append_number(text, 0);
  append_number(text, 18'446'744'073'709'551'615U);
  EXPECT_EQ(text, "018446744073709551615");
  EXPECT_EQ(reason_phrase(404), "Not Found");
}

TEST(HeadText, IsWhatItsFieldsAreWhateverRoomItHas) {
  HeaderList headers;
  std::string expected;
  for (int count = 0; count < 60; ++count) {
    for (const std::size_t room : {0, 15, 16, 100, 1000}) {
      std::string text = "GET / HTTP/1.1\r\n";
      text.reserve(room);
      append_fields(text, headers);
      ASSERT_EQ(text, "GET / HTTP/1.1\r\n" + expected) << count << " fields, room for " << room;
    }
    headers.add("x-" + std::to_string(count), std::string(static_cast<std::size_t>(count) % 7, 'v'));
    append_field(expected, "x-" + std::to_string(count), std::string(static_cast<std::size_t>(count) % 7, 'v'));
  }
  EXPECT_TRUE(expected.starts_with("x-0: \r\nx-1: v\r\n"));
}

}  // namespace
}  // namespace proxy
