#include "proxy/h2_frame_scanner.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace proxy {
namespace {

std::string frame(char type, char stream, std::size_t length) {
  std::string bytes{static_cast<char>(length >> 16), static_cast<char>(length >> 8), static_cast<char>(length)};
  bytes += type;
  bytes += std::string("\0\x80\0\0", 4);  // no flags; the reserved bit set
  bytes += stream;
  return bytes + std::string(length, 'p');
}

// "type:stream" of every frame, the bytes given in pieces.
std::vector<std::string> scan(const std::string& bytes, std::size_t piece) {
  H2FrameScanner scanner;
  std::vector<std::string> found;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    std::span<const char> rest(bytes.data() + at, std::min(piece, bytes.size() - at));
    while (const auto head = scanner.next(rest)) {
      found.push_back(std::to_string(head->type) + ":" + std::to_string(head->stream));
    }
    EXPECT_TRUE(rest.empty());
  }
  return found;
}

TEST(H2FrameScanner, FindsTheSameFramesHoweverTheBytesArrive) {
  const std::string bytes =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 1, 300) + frame(0, 1, 70000) + frame(0, 3, 0);
  const std::vector<std::string> expected{"4:0", "1:1", "0:1", "0:3"};
  for (const std::size_t piece : {1U, 7U, 9U, 24U, 1000U, 1000000U}) EXPECT_EQ(scan(bytes, piece), expected) << piece;
}

}  // namespace
}  // namespace proxy
