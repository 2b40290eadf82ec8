#include "proxy/h1_reader.h"

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <vector>

#include "proxy/worker.h"
#include "tests/proxy/wire.h"

namespace proxy {
namespace {

using test::LocalWorker;
using test::Wire;

// What a reader makes of bytes: its head, its whole body, and how it ended.
template <bool is_request>
class Reading {
 public:
  using Reader = H1Reader<is_request>;
  using State = typename Reader::HeadState;

  // Waits until the head is complete or refused.
  State head(const HeadLimits& limits = {}) {
    reader.expect(message, limits);
    return rest_of_head();
  }
  State rest_of_head() {
    State state = State::blocked;
    local.run([&]() -> awaitable<void> {
      for (;;) {
        state = reader.poll_head();
        if (state != State::blocked) co_return;
        const auto ready = co_await reader.wait();
        if (!ready) co_return;
      }
    });
    return state;
  }
  // The body to its end; null if it failed.
  std::optional<std::string> body() {
    std::optional<std::string> whole = "";
    pieces = 0;
    local.run([&]() -> awaitable<void> {
      for (;;) {
        const BodyPiece piece = reader.poll();
        if (piece.kind == BodyPiece::Kind::end) co_return;
        if (piece.kind == BodyPiece::Kind::failed) {
          whole.reset();
          co_return;
        }
        if (piece.kind == BodyPiece::Kind::data) {
          ++pieces;
          whole->append(piece.bytes.data(), piece.bytes.size());
          continue;
        }
        const auto ready = co_await reader.wait();
        if (!ready) {
          whole.reset();
          co_return;
        }
      }
    });
    return whole;
  }

  LocalWorker local;
  Wire wire{local};
  typename Reader::Head message;
  Reader reader{local.worker, wire.transport};
  int pieces = 0;
};

using Request = Reading<true>;
using Response = Reading<false>;

// ---- Heads that are refused, and with what. RFC 9112 §6.3, RFC 9110 §15.

struct Refused {
  const char* what;
  std::string text;
  unsigned status;
};
void PrintTo(const Refused& refused, std::ostream* out) {
  *out << refused.what;
}

class RefusedHead : public testing::TestWithParam<Refused> {};

TEST_P(RefusedHead, GetsItsStatus) {
  Request request;
  request.wire.peer.say(GetParam().text);
  request.wire.peer.end();
  EXPECT_EQ(request.head(), Request::State::failed);
  EXPECT_EQ(request.reader.status(), GetParam().status) << request.reader.error().what;
}

std::string get_with(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}
std::string post_with(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\nabc";
}
const std::string chunked_head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    Framing, RefusedHead,
    testing::Values(
        Refused{"length and chunked", post_with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
        Refused{"chunked and length", post_with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400},
        Refused{"two lengths that differ", post_with("Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
        Refused{"two lengths that agree", post_with("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
        Refused{"a list of lengths that differ", post_with("Content-Length: 3, 4\r\n"), 400},
        Refused{"a length with a sign", post_with("Content-Length: +3\r\n"), 400},
        Refused{"a negative length", post_with("Content-Length: -3\r\n"), 400},
        Refused{"a length in hexadecimal", post_with("Content-Length: 0x3\r\n"), 400},
        Refused{"an empty length", post_with("Content-Length:\r\n"), 400},
        Refused{"a length beyond 64 bits", post_with("Content-Length: 18446744073709551616\r\n"), 400},
        Refused{"another coding", post_with("Transfer-Encoding: gzip\r\n"), 501},
        Refused{"another coding before chunked", post_with("Transfer-Encoding: gzip, chunked\r\n"), 501},
        Refused{"chunked twice in one field", post_with("Transfer-Encoding: chunked, chunked\r\n"), 501},
        Refused{"almost chunked", post_with("Transfer-Encoding: xchunked\r\n"), 501},
        Refused{"chunked behind a vertical tab",
                post_with("Transfer-Encoding: \x0b"
                          "chunked\r\n"),
                400},
        Refused{"two transfer encodings", post_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                400},
        Refused{"identity beside chunked", post_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
                400},
        Refused{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                400}));

INSTANTIATE_TEST_SUITE_P(
    Text, RefusedHead,
    testing::Values(Refused{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
                    Refused{"two Hosts", get_with("Host: b\r\n"), 400},
                    Refused{"two Hosts that agree", get_with("Host: a\r\n"), 400},
                    Refused{"a space before the colon", get_with("X : y\r\n"), 400},
                    Refused{"a NUL in a value", get_with(std::string("X: a\0b\r\n", 8)), 400},
                    Refused{"a carriage return in a value", get_with("X: a\rb\r\n"), 400},
                    Refused{"lines that end in LF alone", "GET / HTTP/1.1\nHost: a\n\n", 400},
                    Refused{"a field without a name", get_with(": y\r\n"), 400},
                    Refused{"a field without a colon", get_with("X\r\n"), 400},
                    Refused{"a space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
                    Refused{"no version", "GET /\r\n\r\n", 400},
                    Refused{"another version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
                    Refused{"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                    Refused{"a TLS ClientHello", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400}));

INSTANTIATE_TEST_SUITE_P(
    Limits, RefusedHead,
    testing::Values(Refused{"a long target", "GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
                    Refused{"many fields", get_with(repeated("X: y\r\n", 101)), 431},
                    Refused{"a large field", get_with("X: " + std::string(33'000, 'y') + "\r\n"), 431},
                    Refused{"large fields together", get_with(repeated("X: " + std::string(7'000, 'y') + "\r\n", 5)),
                            431},
                    Refused{"a head without an end", "GET / HTTP/1.1\r\nX: " + std::string(70'000, 'y'), 431}));

// ---- Heads that end in the middle

TEST(H1Reader, AnEndBetweenMessagesIsNoFault) {
  Request request;
  request.wire.peer.say("\r\n");
  request.wire.peer.end();
  EXPECT_EQ(request.head(), Request::State::end);
  EXPECT_EQ(request.reader.status(), 0U);
}

TEST(H1Reader, AnEndWithinAHeadCannotBeAnswered) {
  Request request;
  request.wire.peer.say("GET / HTTP/1.1\r\nHo");
  request.wire.peer.end();
  EXPECT_EQ(request.head(), Request::State::failed);
  EXPECT_EQ(request.reader.status(), 0U);
  EXPECT_EQ(request.reader.error().code, base::Code::closed);
}

TEST(H1Reader, KnowsWhetherAnythingHasCome) {
  Request request;
  request.reader.expect(request.message, {});
  EXPECT_EQ(request.reader.poll_head(), Request::State::blocked);
  EXPECT_FALSE(request.reader.begun());
  request.wire.peer.say("G");
  request.local.run([&]() -> awaitable<void> { (void)co_await request.reader.wait(); });
  EXPECT_EQ(request.reader.poll_head(), Request::State::blocked);
  EXPECT_TRUE(request.reader.begun());
}

// ---- Heads that are good

TEST(H1Reader, ReadsAHeadByteByByte) {
  Request request;
  const std::string text = "GET /path?q HTTP/1.1\r\nHost: Example.com:8443\r\nX-One:  two \r\n\r\n";
  request.reader.expect(request.message, {});
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    request.wire.peer.say(text.substr(i, 1));
    request.local.run([&]() -> awaitable<void> { (void)co_await request.reader.wait(); });
    ASSERT_EQ(request.reader.poll_head(), Request::State::blocked) << i;
  }
  request.wire.peer.say("\n");
  EXPECT_EQ(request.rest_of_head(), Request::State::complete);
  EXPECT_EQ(request.message.verb, http::verb::get);
  EXPECT_EQ(request.message.target, "/path?q");
  EXPECT_EQ(request.message.authority, "Example.com:8443");
  EXPECT_EQ(request.message.headers.find("x-one"), "two");
  EXPECT_FALSE(request.message.has_body);
  EXPECT_TRUE(request.reader.complete());
}

TEST(H1Reader, AFoldedFieldBecomesOneLine) {
  Request request;
  request.wire.peer.say(get_with("X: one\r\n two\r\n\tthree\r\n"));
  ASSERT_EQ(request.head(), Request::State::complete);
  const std::string value(request.message.headers.find("x").value_or(""));
  EXPECT_EQ(value.find_first_of("\r\n"), std::string::npos);
  EXPECT_EQ(value, "one two three");
}

TEST(H1Reader, FramingFieldsAndHostAreNotAmongTheFields) {
  Request request;
  request.wire.peer.say(post_with("Content-Length: 3\r\nX: y\r\n"));
  ASSERT_EQ(request.head(), Request::State::complete);
  EXPECT_EQ(request.message.headers.size(), 1U);
  EXPECT_EQ(request.message.content_length, 3U);
  EXPECT_TRUE(request.message.has_body);
}

// RFC 9112 §6.3 lets a list of equal values count as one; only the one goes on to the backend.
TEST(H1Reader, AListOfEqualLengthsIsOneLength) {
  Request request;
  request.wire.peer.say(post_with("Content-Length: 3, 3\r\n"));
  ASSERT_EQ(request.head(), Request::State::complete);
  EXPECT_EQ(request.message.content_length, 3U);
  EXPECT_TRUE(request.message.headers.empty());
  EXPECT_EQ(request.body(), "abc");
}

TEST(H1Reader, Http10NeedsNoHostAndDoesNotStay) {
  Request request;
  request.wire.peer.say("GET / HTTP/1.0\r\n\r\n");
  ASSERT_EQ(request.head(), Request::State::complete);
  EXPECT_EQ(request.message.version, HttpVersion::http10);
  EXPECT_FALSE(request.reader.keep_alive());
}

TEST(H1Reader, PipelinedRequestsComeOneAfterTheOther) {
  Request request;
  request.wire.peer.say(post_with("Content-Length: 3\r\n") + "\r\nGET /second HTTP/1.1\r\nHost: b\r\n\r\n");
  ASSERT_EQ(request.head(), Request::State::complete);
  EXPECT_EQ(request.body(), "abc");
  EXPECT_TRUE(request.reader.complete());
  EXPECT_TRUE(request.reader.has_leftover());
  ASSERT_EQ(request.head(), Request::State::complete);
  EXPECT_EQ(request.message.target, "/second");
  EXPECT_EQ(request.message.content_length, std::nullopt);
  EXPECT_FALSE(request.reader.has_leftover());
}

// ---- Bodies

TEST(H1Reader, BadChunksEndTheBodyWithAFault) {
  for (const std::string chunks : {"x\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "-3\r\nabc\r\n",
                                   "fffffffffffffffff\r\n", "3\nabc\n0\n\n", "\r\n"}) {
    Request request;
    request.wire.peer.say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks);
    request.wire.peer.end();
    ASSERT_EQ(request.head(), Request::State::complete) << chunks;
    EXPECT_EQ(request.body(), std::nullopt) << chunks;
    EXPECT_FALSE(request.reader.complete()) << chunks;
  }
}

TEST(H1Reader, AChunkLineOrTrailerThatDoesNotEndIsAFault) {
  const std::string endless(70'000, 'x');
  for (const std::string& chunks : {"5;a=" + endless, std::string(70'000, '0'), "0\r\nX-End: " + endless}) {
    Request request;
    request.wire.peer.say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks);
    ASSERT_EQ(request.head(), Request::State::complete);
    EXPECT_EQ(request.body(), std::nullopt) << chunks.substr(0, 8);
    EXPECT_EQ(request.reader.error().code, base::Code::protocol);
  }
}

TEST(H1Reader, ABodyThatIsCutIsNotComplete) {
  for (const std::string text : {"Content-Length: 5\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
                                 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    Request request;
    request.wire.peer.say("POST / HTTP/1.1\r\nHost: a\r\n" + text);
    request.wire.peer.end();
    ASSERT_EQ(request.head(), Request::State::complete);
    EXPECT_EQ(request.body(), std::nullopt) << text;
    EXPECT_EQ(request.reader.error().code, base::Code::closed);
  }
}

TEST(H1Reader, ChunksThatAreThereAreGivenTogetherWithoutTheirFraming) {
  Request request;
  request.wire.peer.say(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\none\r\n5;ext=1\r\n, two\r\n7\r\n, three\r\n0\r\n\r\n");
  ASSERT_EQ(request.head(), Request::State::complete);
  EXPECT_EQ(request.body(), "one, two, three");
  EXPECT_EQ(request.pieces, 1);
  EXPECT_TRUE(request.reader.complete());
}

TEST(H1Reader, ChunksMayBeSplitAnywhere) {
  const std::string chunks = "3\r\none\r\n4\r\ntwo!\r\n0\r\nX-Sum: 7\r\n\r\n";
  for (std::size_t at = 1; at < chunks.size(); ++at) {
    Request request;
    request.wire.peer.say(chunked_head + chunks.substr(0, at));
    ASSERT_EQ(request.head(), Request::State::complete);
    std::string whole;
    while (true) {
      const BodyPiece piece = request.reader.poll();
      if (piece.kind != BodyPiece::Kind::data) break;
      whole.append(piece.bytes.data(), piece.bytes.size());
    }
    request.wire.peer.say(chunks.substr(at));
    EXPECT_EQ(whole + request.body().value_or("failed"), "onetwo!") << at;
    EXPECT_EQ(request.reader.trailers().find("x-sum"), "7") << at;
  }
}

// RFC 9110 §6.5.1.
TEST(H1Reader, TrailersThatWouldChangeFramingEndTheBodyWithAFault) {
  for (const std::string trailer : {"Content-Length: 9", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked"}) {
    Request request;
    request.wire.peer.say(chunked_head + "1\r\nx\r\n0\r\n" + trailer + "\r\n\r\n");
    ASSERT_EQ(request.head(), Request::State::complete);
    EXPECT_EQ(request.body(), std::nullopt) << trailer;
  }
}

TEST(H1Reader, TrailersCannotChangeTheHost) {
  Request request;
  request.wire.peer.say(chunked_head + "1\r\nx\r\n0\r\nHost: evil\r\nX: y\r\n\r\n");
  ASSERT_EQ(request.head(), Request::State::complete);
  EXPECT_EQ(request.body(), "x");
  EXPECT_EQ(request.message.authority, "a");
  EXPECT_EQ(request.reader.trailers().size(), 1U);
}

TEST(H1Reader, TrailersAreBoundedAsFieldsAre) {
  Request request;
  request.wire.peer.say(chunked_head + "0\r\n" + repeated("X: y\r\n", 101) + "\r\n");
  ASSERT_EQ(request.head(), Request::State::complete);
  EXPECT_EQ(request.body(), std::nullopt);
}

TEST(H1Reader, AfterAnUpgradeEverythingIsBody) {
  Request request;
  request.wire.peer.say(get_with("Connection: upgrade\r\nUpgrade: websocket\r\n") + "GET / raw");
  ASSERT_EQ(request.head(), Request::State::complete);
  EXPECT_TRUE(request.reader.upgrade());
  request.reader.become_raw();
  request.wire.peer.say(" bytes");
  request.wire.peer.end();
  EXPECT_EQ(request.body(), "GET / raw bytes");
}

// ---- Responses

TEST(H1Reader, AResponseWithTwoFramingsIsRefused) {
  Response response;
  response.wire.peer.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(response.head(), Response::State::failed);
  EXPECT_EQ(response.reader.error().origin, base::Origin::upstream);
}

TEST(H1Reader, AResponseWithoutALengthLastsUntilTheEnd) {
  Response response;
  response.wire.peer.say("HTTP/1.1 200 OK\r\n\r\nall of ");
  ASSERT_EQ(response.head(), Response::State::complete);
  EXPECT_TRUE(response.reader.until_end());
  response.wire.peer.say("it");
  response.wire.peer.end();
  EXPECT_EQ(response.body(), "all of it");
}

TEST(H1Reader, TheAnswerToHeadHasNoBodyWhateverItSays) {
  Response response;
  response.wire.peer.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  response.reader.expect(response.message, {});
  response.reader.expect_no_body();
  ASSERT_EQ(response.rest_of_head(), Response::State::complete);
  EXPECT_EQ(response.message.content_length, 1000U);
  EXPECT_EQ(response.body(), "");
  EXPECT_TRUE(response.reader.complete());
}

}  // namespace
}  // namespace proxy
