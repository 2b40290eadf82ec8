#include "config/host_names.h"

#include <gtest/gtest.h>

namespace config {
namespace {

TEST(HostNames, RefuseWhatIsNoName) {
  for (const std::string& text :
       {std::string(""), std::string("."), std::string("a..b"), std::string("-a"), std::string("a-"),
        std::string("a b"), std::string("a_b"), std::string("a/b"), std::string("a:80"), std::string("a\0b", 3),
        std::string("a\0\xc3\xbc", 4), std::string(64, 'a'), std::string(2000, 'a'), std::string("\xff\xfe")}) {
    EXPECT_FALSE(parse_host_name(text)) << text;
  }
  std::string long_name;
  for (int i = 0; i < 127; ++i) long_name += "aa.";
  EXPECT_FALSE(parse_host_name(long_name + "com"));
}

TEST(HostNames, AreLowerCaseALabels) {
  EXPECT_EQ(parse_host_name("WWW.Example.Com."), "www.example.com");
  EXPECT_EQ(parse_host_name("Bücher.example"), "xn--bcher-kva.example");
  EXPECT_EQ(parse_host_name("straße.example"), "xn--strae-oqa.example");
  EXPECT_EQ(parse_host_name("例え。テスト"), "xn--r8jz45g.xn--zckzah");
  EXPECT_EQ(parse_host_name("xn--bcher-kva.example"), "xn--bcher-kva.example");
}

TEST(HostNames, TakeAWildcardOnlyAsTheFirstLabel) {
  for (const char* text : {"*", "*.", "*.*.a", "a.*", "w*.a", "*a.b", "**.a"}) {
    EXPECT_FALSE(parse_host_pattern(text)) << text;
  }
  EXPECT_EQ(parse_host_pattern("*.Example.com"), "*.example.com");
  EXPECT_EQ(parse_host_pattern("*.bücher.example"), "*.xn--bcher-kva.example");
}

TEST(HostNames, RefuseAddressesThatAreNone) {
  for (const char* text : {"", "80", ":", "a:80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:8 0", "::1:80",
                           "[::1]", "[::1:80", "[]:80", "1.2.3.4:+80"}) {
    EXPECT_FALSE(parse_socket_address(text)) << text;
  }
}

TEST(HostNames, ReadAddresses) {
  EXPECT_EQ(parse_socket_address("127.0.0.1:8443"), (SocketAddress{"127.0.0.1", 8443}));
  EXPECT_EQ(parse_socket_address(":0"), (SocketAddress{"", 0}));
  EXPECT_EQ(parse_socket_address("[0:0::1]:65535"), (SocketAddress{"::1", 65535}));
  EXPECT_EQ(parse_socket_address("[::1]:80")->to_string(), "[::1]:80");
  EXPECT_EQ(parse_socket_address(":80")->to_string(), ":80");
}

TEST(HostNames, ReadEndpoints) {
  for (const char* text : {"", ":80", "a", "a:0", "a:b", "::1:80", "http://a:80", "a b:80"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
  EXPECT_EQ(parse_endpoint("App_1.internal:80"), (Endpoint{"app_1.internal", 80, 1}));
  EXPECT_EQ(parse_endpoint("[::1]:80")->to_string(), "[::1]:80");
}

}  // namespace
}  // namespace config
