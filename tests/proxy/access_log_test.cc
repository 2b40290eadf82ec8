#include "proxy/access_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace proxy {
namespace {

using namespace std::chrono_literals;

AccessRecord sample() {
  AccessRecord record;
  record.at = std::chrono::system_clock::time_point(1'763'777'788'123ms);
  record.request_id = "id-1";
  record.client = "192.0.2.7";
  record.method = "GET";
  record.host = "example.com";
  record.target = "/a?b=c";
  record.protocol = "HTTP/2";
  record.status = 200;
  record.bytes_in = 1;
  record.bytes_out = 18'446'744'073'709'551'615U;
  record.queue = 4'500us;
  record.connect = 1'234'567ns;
  record.total = 2s;
  record.tls_resumed = true;
  record.attempts = 2;
  record.outcome = "ok";
  record.generation = 7;
  return record;
}

std::string json_of(const AccessRecord& record) {
  std::string line;
  append_json(line, record);
  return line;
}

TEST(AccessLine, IsValidJsonWhateverTheClientSends) {
  std::string every_byte;
  for (int c = 0; c < 256; ++c) every_byte += static_cast<char>(c);
  const std::vector<std::string> hostile = {every_byte,
                                            "\"}\n{\"",
                                            "\\",
                                            std::string(8, '\\'),
                                            "1234567\"",
                                            "12345678\x1f",
                                            "\xff",
                                            "\xc3",
                                            "\xe2\x82",
                                            "\xf0\x9f\x98",
                                            "\xc0\xaf",
                                            "\xed\xa0\x80",
                                            "\xf4\x90\x80\x80",
                                            "\xe0\x80\x80",
                                            std::string(5000, '\x80'),
                                            std::string("a\0b", 3),
                                            "\x7f"};
  for (const std::string& text : hostile) {
    AccessRecord record = sample();
    record.target = record.host = record.user_agent = record.referer = record.request_id = text;
    const std::string line = json_of(record);
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
    EXPECT_EQ(line.find('\n'), std::string::npos);
    std::string plain;
    append_text(plain, record);
    for (const char c : plain) EXPECT_GE(static_cast<unsigned char>(c), 0x20U);
  }
}

TEST(AccessLine, KeepsGoodTextAsItIs) {
  AccessRecord record = sample();
  const std::string text = "grüße \xf0\x9f\x98\x80 \"x\" \\ \t 漢字 long enough for eight";
  record.user_agent = text;
  EXPECT_EQ(nlohmann::json::parse(json_of(record))["user_agent"], text);
  record.user_agent = "a\xffz";
  EXPECT_EQ(nlohmann::json::parse(json_of(record))["user_agent"], "a\xef\xbf\xbdz");
}

TEST(AccessLine, CutsWhatIsTooLong) {
  AccessRecord record = sample();
  const std::string text(100'000, '\x01');
  record.target = record.host = record.user_agent = record.referer = text;
  EXPECT_LT(json_of(record).size(), 128U << 10U);
}

TEST(AccessLine, HasAllFields) {
  const auto line = nlohmann::json::parse(json_of(sample()));
  for (const char* key :
       {"time",     "request_id", "client",        "method",   "host",        "path",        "protocol",
        "route",    "backend",    "endpoint",      "status",   "bytes_in",    "bytes_out",   "handshake_ms",
        "queue_ms", "connect_ms", "first_byte_ms", "total_ms", "tls_version", "tls_resumed", "sni",
        "attempts", "outcome",    "user_agent",    "referer",  "generation"}) {
    EXPECT_TRUE(line.contains(key)) << key;
  }
  EXPECT_EQ(line.size(), 26U);
  EXPECT_EQ(line["time"], "2025-11-22T02:16:28.123Z");
  EXPECT_EQ(line["bytes_out"], 18'446'744'073'709'551'615U);
  EXPECT_DOUBLE_EQ(line["queue_ms"].get<double>(), 4.5);
  EXPECT_DOUBLE_EQ(line["connect_ms"].get<double>(), 1.234);
  EXPECT_DOUBLE_EQ(line["total_ms"].get<double>(), 2000.0);
  EXPECT_DOUBLE_EQ(line["first_byte_ms"].get<double>(), 0.0);
  EXPECT_EQ(line["tls_resumed"], true);
  std::string text;
  append_text(text, sample());
  EXPECT_EQ(text,
            "2025-11-22T02:16:28.123Z 192.0.2.7 example.com \"GET /a?b=c HTTP/2\" 200 18446744073709551615 2000.000ms "
            "- - ok id-1 \"\" \"\"");
}

TEST(AccessLine, KeepsTheColumnsOfTextWhateverAClientIsCalled) {
  AccessRecord record = sample();
  record.host = "evil \"GET / HTTP/1.1\" 200 1 2ms";
  std::string text;
  append_text(text, record);
  EXPECT_NE(text.find("evil\\u0020\\\"GET\\u0020/\\u0020HTTP/1.1\\\"\\u0020200\\u00201\\u00202ms \"GET /a?b=c"),
            std::string::npos)
      << text;
}

struct Pipe {
  explicit Pipe(bool is_socket) {
    const int made = is_socket ? ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) : ::pipe(ends.data());
    if (made != 0) throw std::runtime_error("no pipe");
  }
  ~Pipe() {
    ::close(ends[0]);
    if (ends[1] >= 0) ::close(ends[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // Until `lines` newlines have come, or nothing comes for five seconds.
  std::string read_lines(std::size_t lines) {
    std::string all;
    std::array<char, 65536> buffer;
    pollfd readable{ends[0], POLLIN, 0};
    for (std::size_t seen = 0; seen < lines && ::poll(&readable, 1, 5000) == 1;) {
      const ssize_t got = ::read(ends[0], buffer.data(), buffer.size());
      if (got <= 0) break;
      const std::string_view part(buffer.data(), static_cast<std::size_t>(got));
      seen += static_cast<std::size_t>(std::ranges::count(part, '\n'));
      all += part;
    }
    return all;
  }
  std::array<int, 2> ends{-1, -1};
};

TEST(AccessLog, WritesNothingWhenItIsOff) {
  Pipe pipe(false);
  WorkerStats stats;
  {
    AccessLog log(1, pipe.ends[1]);
    log.write(0, config::AccessLog::off, sample(), stats);
  }
  ::close(std::exchange(pipe.ends[1], -1));
  EXPECT_EQ(pipe.read_lines(1), "");
}

TEST(AccessLog, DropsAndCountsWhenNobodyReads) {
  for (const bool is_socket : {false, true}) {
    Pipe pipe(is_socket);
    WorkerStats stats;
    const auto begun = std::chrono::steady_clock::now();
    {
      AccessLog log(1, pipe.ends[1]);
      for (int i = 0; i < 20'000; ++i) log.write(0, config::AccessLog::json, sample(), stats);
      EXPECT_GT(stats.access_log_dropped.value(), 0U);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);   // the destructor waits a second, not for ever
    EXPECT_EQ(::fcntl(pipe.ends[1], F_GETFL) & O_NONBLOCK, 0);  // others share it
  }
}

TEST(AccessLog, SurvivesAReaderThatHasGone) {
  Pipe pipe(false);
  ::close(std::exchange(pipe.ends[0], ::open("/dev/null", O_RDONLY)));
  WorkerStats stats;
  AccessLog log(1, pipe.ends[1]);
  for (int i = 0; i < 10'000; ++i) log.write(0, config::AccessLog::json, sample(), stats);
  EXPECT_GT(stats.access_log_dropped.value(), 0U);
}

TEST(AccessLog, WritesWholeLinesOfAllWorkers) {
  for (const bool is_socket : {false, true}) {
    Pipe pipe(is_socket);
    constexpr std::size_t workers = 3;
    constexpr std::size_t each = 2000;
    std::array<WorkerStats, workers> stats;
    std::string all;
    {
      AccessLog log(workers, pipe.ends[1]);
      std::vector<std::jthread> threads;
      for (unsigned worker = 0; worker < workers; ++worker) {
        threads.emplace_back([&, worker] {
          for (std::size_t i = 0; i < each; ++i) log.write(worker, config::AccessLog::json, sample(), stats[worker]);
        });
      }
      all = pipe.read_lines(workers * each);
    }
    std::size_t lines = 0;
    for (std::size_t at = 0; at < all.size(); ++lines) {
      const std::size_t end = all.find('\n', at);
      ASSERT_NE(end, std::string::npos);
      ASSERT_TRUE(nlohmann::json::accept(all.substr(at, end - at)));
      at = end + 1;
    }
    std::uint64_t dropped = 0;
    for (const WorkerStats& of : stats) dropped += of.access_log_dropped.value();
    EXPECT_EQ(lines + dropped, workers * each);
  }
}

TEST(AccessLog, WritesWhatIsLeftWhenItEnds) {
  Pipe pipe(false);
  WorkerStats stats;
  {
    AccessLog log(1, pipe.ends[1]);
    for (int i = 0; i < 10; ++i) log.write(0, config::AccessLog::text, sample(), stats);
  }
  EXPECT_EQ(std::ranges::count(pipe.read_lines(10), '\n'), 10);
}

}  // namespace
}  // namespace proxy
