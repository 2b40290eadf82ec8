#include "base/ip_network.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>

namespace base {
namespace {

TEST(IpAddress, RefusesWhatIsNone) {
  for (const std::string& text : {std::string(""), std::string("localhost"), std::string("1.2.3"),
                                  std::string("1.2.3.4.5"), std::string("256.0.0.1"), std::string("1.2.3.4 "),
                                  std::string("::1::"), std::string("[::1"), std::string("::1]"), std::string("[]"),
                                  std::string("fe80::1%eth0"), std::string(1000, ':'), std::string("1.2.3.4\0x", 9)}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(IpAddress, ReadsBothFamilies) {
  EXPECT_EQ(IpAddress::parse("192.0.2.1")->to_string(), "192.0.2.1");
  EXPECT_EQ(IpAddress::parse("2001:DB8::0:1")->to_string(), "2001:db8::1");
  EXPECT_EQ(IpAddress::parse("[::1]")->to_string(), "::1");
  EXPECT_TRUE(IpAddress::parse("192.0.2.1")->is_v4());
  EXPECT_FALSE(IpAddress::parse("::1")->is_v4());
}

TEST(IpAddress, CountsAMappedAddressAsIpv4) {
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1"), IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(IpAddress::v4(0xc0000201), IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(std::hash<IpAddress>{}(IpAddress::v4(1)), std::hash<IpAddress>{}(*IpAddress::parse("::ffff:0.0.0.1")));
}

TEST(IpAddress, ComesFromSocketAddresses) {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(0xc0000201);
  sockaddr generic{};
  static_assert(sizeof generic >= sizeof four);
  std::memcpy(&generic, &four, sizeof four);
  EXPECT_EQ(IpAddress::from(generic)->to_string(), "192.0.2.1");

  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_addr = in6addr_loopback;
  EXPECT_EQ(IpAddress::from(reinterpret_cast<const sockaddr&>(six))->to_string(), "::1");

  generic.sa_family = AF_UNIX;
  EXPECT_FALSE(IpAddress::from(generic));
}

TEST(IpNetwork, RefusesWhatIsNone) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "2001:db8::/129", "10/8",
                           "10.0.0.0/8/8", "10.0.0.0/ 8"}) {
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  }
}

TEST(IpNetwork, HoldsExactlyItsAddresses) {
  const auto network = IpNetwork::parse("10.1.0.0/23");
  ASSERT_TRUE(network);
  EXPECT_FALSE(network->contains(*IpAddress::parse("10.0.255.255")));
  EXPECT_TRUE(network->contains(*IpAddress::parse("10.1.0.0")));
  EXPECT_TRUE(network->contains(*IpAddress::parse("10.1.1.255")));
  EXPECT_FALSE(network->contains(*IpAddress::parse("10.1.2.0")));
  EXPECT_TRUE(network->contains(*IpAddress::parse("::ffff:10.1.0.1")));
  EXPECT_FALSE(network->contains(*IpAddress::parse("::10.1.0.1")));
}

TEST(IpNetwork, HoldsIpv6AddressesByTheirBits) {
  const auto network = IpNetwork::parse("2001:db8:8000::/33");
  ASSERT_TRUE(network);
  EXPECT_TRUE(network->contains(*IpAddress::parse("2001:db8:ffff::1")));
  EXPECT_FALSE(network->contains(*IpAddress::parse("2001:db8:7fff::1")));
}

TEST(IpNetwork, OfOneAddressHoldsOnlyIt) {
  EXPECT_TRUE(IpNetwork::parse("192.0.2.1")->contains(*IpAddress::parse("192.0.2.1")));
  EXPECT_FALSE(IpNetwork::parse("192.0.2.1")->contains(*IpAddress::parse("192.0.2.0")));
  EXPECT_FALSE(IpNetwork::parse("::1")->contains(*IpAddress::parse("::")));
}

TEST(IpNetwork, OfAllIpv4HoldsNoIpv6) {
  EXPECT_TRUE(IpNetwork::parse("0.0.0.0/0")->contains(*IpAddress::parse("255.255.255.255")));
  EXPECT_FALSE(IpNetwork::parse("0.0.0.0/0")->contains(*IpAddress::parse("2001:db8::1")));
  EXPECT_TRUE(IpNetwork::parse("::/0")->contains(*IpAddress::parse("2001:db8::1")));
}

TEST(IpNetwork, ClearsTheBitsBehindThePrefix) {
  EXPECT_EQ(IpNetwork::parse("10.1.2.3/8"), IpNetwork::parse("10.0.0.0/8"));
  EXPECT_EQ(IpNetwork::parse("10.1.2.3/8")->to_string(), "10.0.0.0/8");
  EXPECT_EQ(IpNetwork::parse("0.0.0.0/0")->to_string(), "0.0.0.0/0");
  EXPECT_EQ(IpNetwork::parse("2001:db8::1/32")->to_string(), "2001:db8::/32");
}

}  // namespace
}  // namespace base
