#include "proxy/tls_client_hello.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace proxy {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes with_length16(const Bytes& content) {
  Bytes bytes{static_cast<std::uint8_t>(content.size() >> 8U), static_cast<std::uint8_t>(content.size())};
  bytes.insert(bytes.end(), content.begin(), content.end());
  return bytes;
}

Bytes host_name_entry(std::string_view name, std::uint8_t type = 0) {
  Bytes entry{type};
  const Bytes sized = with_length16(Bytes(name.begin(), name.end()));
  entry.insert(entry.end(), sized.begin(), sized.end());
  return entry;
}

Bytes protocols(std::initializer_list<std::string_view> names) {
  Bytes list;
  for (const std::string_view name : names) {
    list.push_back(static_cast<std::uint8_t>(name.size()));
    list.insert(list.end(), name.begin(), name.end());
  }
  return with_length16(list);
}

// ---- server_name, RFC 6066 §3

TEST(ServerNameOf, EveryTruncationOfAGoodExtensionIsNoName) {
  const Bytes good = with_length16(host_name_entry("www.example.com"));
  ASSERT_EQ(server_name_of(good), "www.example.com");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(server_name_of(std::span(good).first(size)), "") << size;
  }
}

TEST(ServerNameOf, LengthsThatDoNotFitAreNoName) {
  Bytes list_too_long = with_length16(host_name_entry("a.example"));
  ++list_too_long[1];
  EXPECT_EQ(server_name_of(list_too_long), "");
  Bytes name_too_long = with_length16(host_name_entry("a.example"));
  ++name_too_long[4];
  EXPECT_EQ(server_name_of(name_too_long), "");
  EXPECT_EQ(server_name_of(with_length16(host_name_entry(""))), "");
  EXPECT_EQ(server_name_of(with_length16(host_name_entry(std::string(256, 'a')))), "");
  EXPECT_EQ(server_name_of(with_length16(host_name_entry(std::string(255, 'a')))).size(), 255U);
}

TEST(ServerNameOf, AnotherNameTypeOrANulIsNoName) {
  EXPECT_EQ(server_name_of(with_length16(host_name_entry("a.example", 1))), "");
  EXPECT_EQ(server_name_of(with_length16(host_name_entry(std::string_view("good.example\0.evil", 18)))), "");
}

TEST(ServerNameOf, IsGivenAsSent) {
  EXPECT_EQ(server_name_of(with_length16(host_name_entry("WWW.Example.COM."))), "WWW.Example.COM.");
}

// ---- ALPN, RFC 7301 §3.1; RFC 8737 §3 wants acme-tls/1 and nothing else

TEST(OffersOnly, IsFalseForMoreOrLessThanThisOne) {
  EXPECT_FALSE(offers_only({}, "acme-tls/1"));
  EXPECT_FALSE(offers_only(protocols({}), "acme-tls/1"));
  EXPECT_FALSE(offers_only(protocols({"h2"}), "acme-tls/1"));
  EXPECT_FALSE(offers_only(protocols({"acme-tls/1", "h2"}), "acme-tls/1"));
  EXPECT_FALSE(offers_only(protocols({"h2", "acme-tls/1"}), "acme-tls/1"));
  EXPECT_FALSE(offers_only(protocols({"acme-tls/11"}), "acme-tls/1"));
  EXPECT_FALSE(offers_only(protocols({"ACME-TLS/1"}), "acme-tls/1"));
}

TEST(OffersOnly, EveryTruncationIsFalse) {
  const Bytes good = protocols({"acme-tls/1"});
  EXPECT_TRUE(offers_only(good, "acme-tls/1"));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(offers_only(std::span(good).first(size), "acme-tls/1")) << size;
  }
}

}  // namespace
}  // namespace proxy
