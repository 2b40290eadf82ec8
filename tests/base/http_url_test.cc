#include "base/http_url.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(HttpUrl, HasNoHostThatParsersCouldDisagreeOn) {
  for (const char* url :
       {"http://", "https:///path", "https://user@ca.example.com/", "https://a\\@b/", "http://:80/"}) {
    const auto parsed = parse_http_url(url);
    ASSERT_TRUE(parsed) << url;
    EXPECT_EQ(parsed->host(), "") << url;
  }
  for (const char* other : {"", "ftp://ca", "HTTPS://ca", "//ca", "ca.example.com"}) {
    EXPECT_FALSE(parse_http_url(other)) << other;
  }
}

TEST(HttpUrl, HasOneOriginInAllSpellings) {
  for (const char* url : {"https://ARM.example.com/a?b", "https://arm.example.com:443", "https://arm.example.com#x"}) {
    EXPECT_EQ(origin_of(url), "https://arm.example.com") << url;
  }
  EXPECT_EQ(origin_of("http://[::1]:80/"), "http://[::1]");
  EXPECT_EQ(origin_of("http://arm.example.com:443/"), "http://arm.example.com:443");
  EXPECT_EQ(origin_of("https://arm.example.com:4443/"), "https://arm.example.com:4443");
  EXPECT_EQ(origin_of("https://arm.example.com:1:443/"), "https://arm.example.com:1:443");
  for (const char* url : {"https://arm.example.com@evil.example/", "https://evil.example\\@arm.example.com/", "arm"}) {
    EXPECT_EQ(origin_of(url), "") << url;
  }
}

TEST(HttpUrl, IsTakenApart) {
  const auto url = parse_http_url("https://ca.example.com:14000/dir?a=b");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->secure);
  EXPECT_EQ(url->authority, "ca.example.com:14000");
  EXPECT_EQ(url->host(), "ca.example.com");
  EXPECT_EQ(url->rest, "/dir?a=b");
  EXPECT_EQ(parse_http_url("http://[::1]:80")->host(), "[::1]");
  EXPECT_EQ(parse_http_url("http://ca?x")->rest, "?x");
}

TEST(HttpUrl, KnowsThisMachineByAddressAndName) {
  for (const char* host : {"localhost", "pebble.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const char* host : {"", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "notlocalhost"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(PercentEncoding, LeavesWhatIsUnreservedAndEscapesEachOtherByte) {
  EXPECT_EQ(percent_encoded("Az09-._~"), "Az09-._~");
  EXPECT_EQ(percent_encoded("*.a b/%?&=+"), "%2A.a%20b%2F%25%3F%26%3D%2B");
  EXPECT_EQ(percent_encoded("\xC3\xBC"), "%C3%BC");
  EXPECT_EQ(percent_encoded(std::string_view("\0", 1)), "%00");
}

}  // namespace
}  // namespace base
