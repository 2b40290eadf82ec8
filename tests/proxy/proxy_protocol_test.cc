#include "proxy/proxy_protocol.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace proxy {
namespace {

using namespace std::string_literals;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

enum class Answer { no, more, yes };

Answer ask(const std::string& bytes) {
  const auto parsed = parse_proxy_header(bytes);
  if (!parsed) return Answer::no;
  return parsed->has_value() ? Answer::yes : Answer::more;
}

std::string v2(char version_command, char family, const std::string& body) {
  return signature + version_command + family + static_cast<char>(body.size() >> 8U) +
         static_cast<char>(body.size() & 0xff) + body;
}

const std::string four = "\xc0\x00\x02\x01\xc6\x33\x64\x02\x30\x39\x01\xbb"s;  // 192.0.2.1:12345 to 198.51.100.2:443

TEST(ProxyProtocol, RefusesWhatIsNoHeader) {
  const std::vector<std::string> bad = {"GET / HTTP/1.1\r\n",
                                        "\x16\x03\x01",
                                        "PROXy ",
                                        "PROXY\r\n",
                                        "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n",
                                        "PROXY TCP4\r\n",
                                        "PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n",
                                        "PROXY TCP4 ::1 ::1 1 2\r\n",
                                        "PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n",
                                        "PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n",
                                        "PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n",
                                        "PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n",
                                        "PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n",
                                        "PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n",
                                        "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n",
                                        "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n",
                                        "PROXY TCP6 [::1] ::1 1 2\r\n",
                                        "PROXY UNKNOWN\rx",
                                        "PROXY UNKNOWN " + std::string(100, 'x'),
                                        "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n",
                                        "PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n",
                                        "\r\n\r\n\0\r\nQUIX"s,
                                        v2('\x11', '\x11', four),
                                        v2('\x22', '\x11', four),
                                        v2('\x21', '\x11', four.substr(1)),
                                        v2('\x21', '\x21', four),
                                        v2('\x21', '\x11', std::string(4097, '\0'))};
  for (const std::string& bytes : bad) EXPECT_EQ(ask(bytes), Answer::no) << bytes;
}

TEST(ProxyProtocol, WantsMoreForEveryBeginningOfAGoodHeader) {
  for (const std::string& good :
       {"PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n"s, "PROXY UNKNOWN\r\n"s, v2('\x21', '\x11', four + "tlvs")}) {
    for (std::size_t size = 0; size < good.size(); ++size) EXPECT_EQ(ask(good.substr(0, size)), Answer::more) << size;
    const auto parsed = parse_proxy_header(good + "GET /");
    ASSERT_TRUE(parsed && *parsed);
    EXPECT_EQ((*parsed)->size, good.size());
  }
}

TEST(ProxyProtocol, ReadsAddressesOfBothVersions) {
  for (const std::string& good : {"PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n"s, v2('\x21', '\x11', four)}) {
    const auto parsed = parse_proxy_header(good);
    ASSERT_TRUE(parsed && *parsed && (*parsed)->addresses);
    const ProxiedAddresses& addresses = *(*parsed)->addresses;
    EXPECT_EQ(addresses.source.to_string(), "192.0.2.1");
    EXPECT_EQ(addresses.destination.to_string(), "198.51.100.2");
    EXPECT_EQ(addresses.source_port, 12345);
    EXPECT_EQ(addresses.destination_port, 443);
  }
}

TEST(ProxyProtocol, LocalUnknownAndForeignFamiliesHaveNoAddresses) {
  for (const std::string& good :
       {"PROXY UNKNOWN\r\n"s, "PROXY UNKNOWN ffff::1 rubbish\r\n"s, v2('\x20', '\x00', ""), v2('\x20', '\x11', four),
        v2('\x21', '\x31', std::string(216, 'u')), v2('\x21', '\x00', "tlv"), v2('\x21', '\x12', four)}) {
    const auto parsed = parse_proxy_header(good);
    ASSERT_TRUE(parsed && *parsed) << good;
    EXPECT_FALSE((*parsed)->addresses);
    EXPECT_EQ((*parsed)->size, good.size());
  }
}

TEST(ProxyProtocol, WritesWhatItReads) {
  const auto address = [](const char* text) { return *base::IpAddress::parse(text); };
  const ProxiedAddresses cases[] = {{address("192.0.2.1"), address("198.51.100.2"), 0, 65535},
                                    {address("2001:db8::1"), address("2001:db8::2"), 1, 2},
                                    {address("2001:db8::1"), address("198.51.100.2"), 1, 2}};
  for (const ProxiedAddresses& sent : cases) {
    for (const auto version : {config::ProxyProtocolOut::v1, config::ProxyProtocolOut::v2}) {
      const std::string header = write_proxy_header(version, sent);
      const auto parsed = parse_proxy_header(header);
      ASSERT_TRUE(parsed && *parsed && (*parsed)->addresses) << header;
      EXPECT_EQ((*parsed)->size, header.size());
      const ProxiedAddresses& read = *(*parsed)->addresses;
      EXPECT_EQ(read.source, sent.source);
      EXPECT_EQ(read.destination, sent.destination);
      EXPECT_EQ(read.source_port, sent.source_port);
      EXPECT_EQ(read.destination_port, sent.destination_port);
    }
  }
  EXPECT_EQ(write_proxy_header(config::ProxyProtocolOut::off, cases[0]), "");
}

}  // namespace
}  // namespace proxy
