#include "proxy/forwarded.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proxy {
namespace {

ConnectionFacts from(std::string_view client, bool tls = true) {
  ConnectionFacts facts;
  facts.client = facts.peer = *base::IpAddress::parse(client);
  facts.tls = tls;
  return facts;
}

const std::vector<base::IpNetwork> trusted{*base::IpNetwork::parse("10.0.0.0/8"), *base::IpNetwork::parse("fd00::/8")};

std::string all(const HeaderList& headers, std::string_view name) {
  std::string found;
  for (const HeaderView field : headers) {
    if (field.name == name) found.append(found.empty() ? "" : " | ").append(field.value);
  }
  return found;
}

TEST(HopByHop, RemovesTheListedAndTheNamed) {
  HeaderList headers;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"Connection", "X-Named, close"},
                                                                                    {"Connection", ",, Cookie"},
                                                                                    {"Keep-Alive", "timeout=5"},
                                                                                    {"Proxy-Connection", "x"},
                                                                                    {"Transfer-Encoding", "chunked"},
                                                                                    {"Upgrade", "h2c"},
                                                                                    {"HTTP2-Settings", "x"},
                                                                                    {"Proxy-Authorization", "secret"},
                                                                                    {"Proxy-Authenticate", "Basic"},
                                                                                    {"Proxy", "http://evil"},
                                                                                    {"TE", "gzip"},
                                                                                    {"X-Named", "1"},
                                                                                    {"x-named", "2"},
                                                                                    {"Cookie", "a=b"},
                                                                                    {"X-Named-Not", "stays"},
                                                                                    {"Accept", "stays"}}) {
    headers.add(name, value);
  }
  remove_hop_by_hop(headers);
  ASSERT_EQ(headers.size(), 2U);
  EXPECT_EQ(headers[0].name, "x-named-not");
  EXPECT_EQ(headers[1].name, "accept");
}

TEST(HopByHop, KeepsTrailersForGrpc) {
  for (const auto& [sent, kept] : std::vector<std::pair<std::string, std::string>>{
           {"trailers", "trailers"}, {"gzip, Trailers", "trailers"}, {"gzip", ""}, {"trailersx", ""}}) {
    HeaderList headers;
    headers.add("Connection", "TE");
    headers.add("te", sent);
    remove_hop_by_hop(headers);
    EXPECT_EQ(headers.joined(http::field::te), kept) << sent;
    EXPECT_EQ(headers.size(), kept.empty() ? 0U : 1U);
  }
}

TEST(HopByHop, SurvivesAListOfThousandsOfNames) {
  HeaderList headers;
  std::string names;
  for (int i = 0; i < 10'000; ++i) names += "a,";
  headers.add("Connection", names + "x-last");
  headers.add("x-last", "1");
  headers.add("x-other", "2");
  remove_hop_by_hop(headers);
  ASSERT_EQ(headers.size(), 1U);
  EXPECT_EQ(headers[0].name, "x-other");
}

TEST(Forwarded, ReplacesWhatAnUntrustedClientForges) {
  RequestHead request;
  request.authority = "example.com:8443";
  for (const char* name : {"X-Forwarded-For", "x_forwarded_for", "X-Forwarded_For", "X-Forwarded-Proto",
                           "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X_Forwarded_Client_Cert",
                           "Forwarded", "X-Real-IP", "x_real_ip", "X.Forwarded.For", "X!Real|IP"}) {
    request.headers.add(name, "6.6.6.6");
  }
  const auto client = apply_forwarded(request, from("192.0.2.7"), trusted);
  EXPECT_EQ(client.to_string(), "192.0.2.7");
  for (const HeaderView field : request.headers)
    EXPECT_EQ(field.value.find("6.6.6.6"), std::string_view::npos) << field.name;
  EXPECT_EQ(all(request.headers, "x-forwarded-for"), "192.0.2.7");
  EXPECT_EQ(all(request.headers, "x-forwarded-proto"), "https");
  EXPECT_EQ(all(request.headers, "x-forwarded-host"), "example.com:8443");
  EXPECT_EQ(all(request.headers, "x-forwarded-port"), "8443");
  EXPECT_EQ(all(request.headers, "x-real-ip"), "192.0.2.7");
  EXPECT_EQ(all(request.headers, "forwarded"), "for=192.0.2.7;host=\"example.com:8443\";proto=https");
  EXPECT_EQ(request.headers.size(), 6U);
}

TEST(Forwarded, ConnectionCannotNameWhatWeSet) {
  RequestHead request;
  request.authority = "example.com";
  request.headers.add("Connection",
                      "x-forwarded-for, x-forwarded-proto, client-cert, forwarded, x-real-ip, x-request-id");
  ConnectionFacts facts = from("192.0.2.7");
  facts.identity = std::make_shared<const ClientIdentity>(ClientIdentity{"CN=a", "CN=b", "01", "ff", "AAAA"});
  remove_hop_by_hop(request.headers);
  (void)apply_forwarded(request, facts, {});
  (void)apply_request_id(request.headers);
  apply_client_identity(request.headers, facts);
  EXPECT_EQ(all(request.headers, "x-forwarded-for"), "192.0.2.7");
  EXPECT_EQ(all(request.headers, "x-forwarded-proto"), "https");
  EXPECT_EQ(all(request.headers, "client-cert"), ":AAAA:");
  EXPECT_EQ(all(request.headers, "x-real-ip"), "192.0.2.7");
  EXPECT_NE(all(request.headers, "x-request-id"), "");
}

TEST(Forwarded, TakesTheDefaultPortAndQuotesIpv6) {
  RequestHead request;
  request.authority = "example.com";
  (void)apply_forwarded(request, from("2001:db8::7", false), trusted);
  EXPECT_EQ(all(request.headers, "x-forwarded-port"), "80");
  EXPECT_EQ(all(request.headers, "x-forwarded-for"), "2001:db8::7");
  EXPECT_EQ(all(request.headers, "forwarded"), "for=\"[2001:db8::7]\";host=\"example.com\";proto=http");
}

struct Hop {
  const char* name;
  std::vector<const char*> x_forwarded_for;
  std::vector<const char*> forwarded;
  const char* client;
};

TEST(Forwarded, WalksTrustedHopsToTheClient) {
  const Hop hops[] = {
      {"nothing was said", {}, {}, "10.0.0.1"},
      {"one hop", {"192.0.2.7"}, {}, "192.0.2.7"},
      {"with a port", {"192.0.2.7:5123"}, {}, "192.0.2.7"},
      {"IPv6 with a port", {"[2001:db8::7]:5123"}, {}, "2001:db8::7"},
      {"IPv6 without", {"2001:db8::7"}, {}, "2001:db8::7"},
      {"the forged first entry is not reached", {"6.6.6.6, 192.0.2.7, 10.1.1.1"}, {}, "192.0.2.7"},
      {"several fields are one list", {"6.6.6.6", "192.0.2.7", "10.1.1.1,fd00::1"}, {}, "192.0.2.7"},
      {"all are trusted", {"10.2.2.2, 10.1.1.1"}, {}, "10.2.2.2"},
      {"garbage ends the walk", {"192.0.2.7, unknown, 10.1.1.1"}, {}, "10.1.1.1"},
      {"empty elements end the walk", {"192.0.2.7, , 10.1.1.1"}, {}, "10.1.1.1"},
      {"Forwarded", {}, {"for=6.6.6.6, For=\"[2001:db8::7]:80\";proto=https;by=x"}, "2001:db8::7"},
      {"Forwarded with an obfuscated node", {}, {"for=_hidden"}, "10.0.0.1"},
      {"X-Forwarded-For before Forwarded", {"192.0.2.7"}, {"for=6.6.6.6"}, "192.0.2.7"},
  };
  for (const Hop& hop : hops) {
    RequestHead request;
    request.authority = "example.com";
    for (const char* value : hop.x_forwarded_for) request.headers.add("x-forwarded-for", value);
    for (const char* value : hop.forwarded) request.headers.add("forwarded", value);
    EXPECT_EQ(client_behind(request.headers, from("10.0.0.1"), trusted).to_string(), hop.client) << hop.name;
    EXPECT_EQ(client_behind(request.headers, from("192.0.2.1"), trusted).to_string(), "192.0.2.1") << hop.name;
    EXPECT_EQ(apply_forwarded(request, from("10.0.0.1"), trusted).to_string(), hop.client) << hop.name;
    EXPECT_EQ(all(request.headers, "x-real-ip"), hop.client) << hop.name;
    EXPECT_TRUE(all(request.headers, "x-forwarded-for").ends_with("10.0.0.1")) << hop.name;
    EXPECT_TRUE(all(request.headers, "forwarded").find("10.0.0.1") != std::string::npos) << hop.name;
  }
}

TEST(Forwarded, KeepsWhatATrustedPeerSaidAndAddsItsHop) {
  RequestHead request;
  request.authority = "inner.example";
  request.headers.add("X-Forwarded-For", "192.0.2.7");
  request.headers.add("X-Forwarded-Proto", "https");
  request.headers.add("X-Forwarded-Host", "outer.example");
  request.headers.add("X_Forwarded_Host", "forged.example");
  request.headers.add("X-Forwarded-Prefix", "/app");
  (void)apply_forwarded(request, from("10.0.0.1", false), trusted);
  EXPECT_EQ(all(request.headers, "x-forwarded-for"), "192.0.2.7, 10.0.0.1");
  EXPECT_EQ(all(request.headers, "x-forwarded-proto"), "https");
  EXPECT_EQ(all(request.headers, "x-forwarded-host"), "outer.example");
  EXPECT_EQ(all(request.headers, "x-forwarded-port"), "443");
  EXPECT_EQ(all(request.headers, "x-forwarded-prefix"), "/app");
  EXPECT_EQ(all(request.headers, "x_forwarded_host"), "");
  EXPECT_EQ(all(request.headers, "forwarded"), "for=192.0.2.7;host=\"outer.example\";proto=https, for=10.0.0.1");
}

TEST(Forwarded, BuildsXForwardedForFromForwarded) {
  RequestHead request;
  request.authority = "inner.example";
  request.headers.add("Forwarded", "for=192.0.2.7;proto=https");
  (void)apply_forwarded(request, from("10.0.0.1", false), trusted);
  EXPECT_EQ(all(request.headers, "x-forwarded-for"), "192.0.2.7, 10.0.0.1");
  EXPECT_EQ(all(request.headers, "x-forwarded-proto"), "https");
  EXPECT_EQ(all(request.headers, "forwarded"), "for=192.0.2.7;proto=https, for=10.0.0.1");
}

TEST(RequestId, IsMadeWhenMissingTooLongRepeatedOrStrange) {
  HeaderList none;
  const std::string made = apply_request_id(none);
  EXPECT_EQ(made.size(), 32U);
  EXPECT_EQ(made.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(none.find("x-request-id"), made);
  HeaderList again;
  EXPECT_NE(apply_request_id(again), made);
  for (const std::string& bad :
       {std::string(), std::string(129, 'a'), std::string("a b"), std::string("a\"b"), std::string("a;b")}) {
    HeaderList headers;
    headers.add("X-Request-Id", bad);
    EXPECT_NE(apply_request_id(headers), bad);
    EXPECT_EQ(headers.size(), 1U);
  }
  HeaderList twice;
  twice.add("x-request-id", "a");
  twice.add("x-request-id", "b");
  EXPECT_EQ(apply_request_id(twice).size(), 32U);
  EXPECT_EQ(twice.size(), 1U);
}

TEST(RequestId, IsKeptWhenItIsHarmless) {
  HeaderList headers;
  headers.add("X-Request-Id", "Az09._~+/=-");
  EXPECT_EQ(apply_request_id(headers), "Az09._~+/=-");
  EXPECT_EQ(headers.size(), 1U);
}

TEST(ClientIdentity, IsNeverWhatTheClientSays) {
  for (const char* name : {"Client-Cert", "client_cert", "CLIENT_CERT", "Client-Cert-Chain", "client_cert-chain",
                           "X-Client-Verify", "x_client_verify", "X-Client_Subject", "X-Client-Issuer",
                           "X-Client-Serial", "X_Client-Fingerprint", "X.Client~Verify"}) {
    HeaderList headers;
    headers.add(name, "forged");
    apply_client_identity(headers, from("192.0.2.7"));
    EXPECT_TRUE(headers.empty()) << name;
  }
  HeaderList others;
  others.add("x-client-version", "1");
  others.add("client-certs", "1");
  apply_client_identity(others, from("192.0.2.7"));
  EXPECT_EQ(others.size(), 2U);
}

TEST(ClientIdentity, IsPassedOnWithoutControls) {
  HeaderList headers;
  headers.add("X-Client-Verify", "NONE");
  ConnectionFacts facts = from("192.0.2.7");
  facts.identity =
      std::make_shared<const ClientIdentity>(ClientIdentity{"CN=a\r\nX-Evil: 1", "CN=ca", "0a", "ff00", "MIIB"});
  apply_client_identity(headers, facts);
  EXPECT_EQ(all(headers, "client-cert"), ":MIIB:");
  EXPECT_EQ(all(headers, "x-client-verify"), "SUCCESS");
  EXPECT_EQ(all(headers, "x-client-subject"), "CN=a??X-Evil: 1");
  EXPECT_EQ(all(headers, "x-client-issuer"), "CN=ca");
  EXPECT_EQ(all(headers, "x-client-serial"), "0a");
  EXPECT_EQ(all(headers, "x-client-fingerprint"), "ff00");
}

TEST(HeaderChanges, RemoveThenSetThenAdd) {
  HeaderList headers;
  headers.add("x-a", "old");
  headers.add("x-b", "old");
  headers.add("server", "secret");
  apply_changes(headers,
                {.remove = {"Server", "x-a"}, .set = {{"X-B", "new"}, {"x-a", "set"}}, .add = {{"x-a", "added"}}});
  EXPECT_EQ(all(headers, "server"), "");
  EXPECT_EQ(all(headers, "x-a"), "set | added");
  EXPECT_EQ(all(headers, "x-b"), "new");
}

struct Redirected {
  std::function<void(config::Redirect&)> change;
  bool over_tls;
  const char* location;
};

TEST(Redirect, LeadsWhereItIsToldAndKeepsTheRest) {
  RequestHead request;
  request.authority = "app.example:8080";
  request.target = "/old/x?q=1";
  const auto to_https = [](config::Redirect& redirect) { redirect.scheme = "https"; };
  const auto to_port = [](std::uint16_t port) {
    return [port](config::Redirect& redirect) {
      redirect.scheme = "https";
      redirect.port = port;
    };
  };
  const auto to_prefix = [](const char* prefix) {
    return [prefix](config::Redirect& redirect) { redirect.replace_prefix = prefix; };
  };
  const Redirected cases[] = {
      {[](config::Redirect&) {}, false, "http://app.example:8080/old/x?q=1"},
      {to_https, false, "https://app.example/old/x?q=1"},
      {to_port(8443), false, "https://app.example:8443/old/x?q=1"},
      {to_port(443), false, "https://app.example/old/x?q=1"},
      {[](config::Redirect& redirect) { redirect.host = "new.example"; }, true, "https://new.example/old/x?q=1"},
      {[](config::Redirect& redirect) { redirect.path = "/new"; }, true, "https://app.example:8080/new?q=1"},
      {to_prefix("/new"), true, "https://app.example:8080/new/x?q=1"},
      {to_prefix("/"), true, "https://app.example:8080/x?q=1"},
  };
  for (const Redirected& c : cases) {
    config::Redirect redirect;
    c.change(redirect);
    EXPECT_EQ(redirect_location(redirect, request, c.over_tls, "/old"), c.location);
  }
  RequestHead six;
  six.authority = "[::1]:80";
  six.target = "//evil.example/";
  config::Redirect https;
  to_https(https);
  EXPECT_EQ(redirect_location(https, six, false, "/"), "https://[::1]//evil.example/");
}

}  // namespace
}  // namespace proxy
