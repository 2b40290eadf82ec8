#include "proxy/request_target.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

namespace proxy {
namespace {

RequestHead head_of(std::string_view method, std::string_view target, std::string_view host,
                    HttpVersion version = HttpVersion::http11) {
  RequestHead head;
  head.method = method;
  head.verb = http::string_to_verb({method.data(), method.size()});
  head.target = target;
  head.version = version;
  if (!host.empty()) head.headers.add("Host", host);
  return head;
}

TEST(NormalizeTarget, RefusesTargetsThatCannotBeRead) {
  for (const std::string_view target :
       {"", "x", "path/a", "/a b", "/a\tb", "/a\x7f", "/\xc3\xa4", "/a#b", "*", "ftp://example.com/", "http:///a",
        "http://user@example.com/", "http://user:pw@example.com/", "https://", "//", "mailto:x", "http://a b/",
        "/a\r\nX: y"}) {
    RequestHead head = head_of("GET", target, "example.com");
    const bool accepted = normalize_target(head).has_value();
    EXPECT_EQ(accepted, target == "//") << target;
  }
}

TEST(NormalizeTarget, RefusesHostsThatAreNone) {
  for (const std::string_view host : {"exa mple.com",
                                      "example.com:",
                                      "example.com:x",
                                      "example.com:65536",
                                      "example.com:123456",
                                      "a@b",
                                      "a/b",
                                      "a,b",
                                      ".",
                                      ".example.com",
                                      "a..b",
                                      "[::1",
                                      "[::1]x",
                                      "[::1]:",
                                      "[::1]:99999",
                                      "[example.com]",
                                      "[127.0.0.1]",
                                      "::1",
                                      "a?b",
                                      "a#b",
                                      "a%41"}) {
    RequestHead head = head_of("GET", "/", host);
    const bool empty_port = host == "example.com:" || host == "[::1]:";  // RFC 3986: the same as none
    EXPECT_EQ(normalize_target(head).has_value(), empty_port) << host;
  }
  RequestHead too_long = head_of("GET", "/", std::string(256, 'a'));
  EXPECT_FALSE(normalize_target(too_long));
}

TEST(NormalizeTarget, WantsExactlyOneHostInHttp11) {
  RequestHead none = head_of("GET", "/", "");
  EXPECT_FALSE(normalize_target(none));
  RequestHead absolute_without = head_of("GET", "http://a.example/", "");
  EXPECT_FALSE(normalize_target(absolute_without));
  RequestHead two = head_of("GET", "/", "a.example");
  two.headers.add("host", "a.example");
  EXPECT_FALSE(normalize_target(two));
  RequestHead old = head_of("GET", "/", "", HttpVersion::http10);
  EXPECT_TRUE(normalize_target(old));
}

TEST(NormalizeTarget, Http2HostMustAgreeWithTheAuthority) {
  RequestHead differs = head_of("GET", "/", "b.example", HttpVersion::http2);
  differs.authority = "a.example";
  EXPECT_FALSE(normalize_target(differs));
  RequestHead agrees = head_of("GET", "/", "A.example", HttpVersion::http2);
  agrees.authority = "a.Example";
  ASSERT_TRUE(normalize_target(agrees));
  EXPECT_EQ(agrees.authority, "a.example");
  EXPECT_TRUE(agrees.headers.empty());
  RequestHead absolute = head_of("GET", "http://a.example/", "", HttpVersion::http2);
  absolute.authority = "a.example";
  EXPECT_FALSE(normalize_target(absolute));
}

TEST(NormalizeTarget, MakesAuthoritiesComparable) {
  const std::pair<const char*, const char*> cases[] = {{"EXAMPLE.com", "example.com"},
                                                       {"Example.COM:8443", "example.com:8443"},
                                                       {"example.com.", "example.com"},
                                                       {"example.com.:80", "example.com:80"},
                                                       {"example.com:", "example.com"},
                                                       {"[2001:DB8::1]", "[2001:db8::1]"},
                                                       {"[::1]:8443", "[::1]:8443"},
                                                       {"192.0.2.1:80", "192.0.2.1:80"},
                                                       {"my_app", "my_app"}};
  for (const auto& [sent, wanted] : cases) {
    RequestHead head = head_of("GET", "/", sent);
    ASSERT_TRUE(normalize_target(head)) << sent;
    EXPECT_EQ(head.authority, wanted);
    EXPECT_FALSE(head.headers.find(http::field::host));
  }
}

TEST(NormalizeTarget, AbsoluteFormWinsOverHost) {
  RequestHead head = head_of("GET", "HTTP://Real.Example:81/a?b=c", "other.example");
  ASSERT_TRUE(normalize_target(head));
  EXPECT_EQ(head.authority, "real.example:81");
  EXPECT_EQ(head.target, "/a?b=c");
  RequestHead bare = head_of("GET", "https://real.example?q", "other.example");
  ASSERT_TRUE(normalize_target(bare));
  EXPECT_EQ(bare.target, "/?q");
  RequestHead options = head_of("OPTIONS", "http://real.example", "other.example");
  ASSERT_TRUE(normalize_target(options));
  EXPECT_EQ(options.target, "*");
}

TEST(NormalizeTarget, AuthorityFormIsForConnectOnly) {
  RequestHead without_port = head_of("CONNECT", "example.com", "example.com");
  EXPECT_FALSE(normalize_target(without_port));
  RequestHead path = head_of("CONNECT", "/", "example.com");
  EXPECT_FALSE(normalize_target(path));
  RequestHead get = head_of("GET", "example.com:443", "example.com");
  EXPECT_FALSE(normalize_target(get));
  RequestHead connect = head_of("CONNECT", "Example.com:443", "example.com");
  ASSERT_TRUE(normalize_target(connect));
  EXPECT_EQ(connect.target, "example.com:443");
  RequestHead extended = head_of("CONNECT", "/chat", "example.com", HttpVersion::http2);
  extended.upgrade = "websocket";
  ASSERT_TRUE(normalize_target(extended));
  EXPECT_EQ(extended.target, "/chat");
}

TEST(NormalizeTarget, RefusesPathsThatServersReadDifferently) {
  for (const std::string_view target :
       {"/a/..%2fb", "/a/%2e%2e%2Fb", "/a%2f..", "/a%2f../b", "/a/..;/b", "/a/..;x=1/b", "/a/.;/b", "/a/..\\b",
        "/a\\..\\b", "/a/%2e.%5cb", "/a%5c..", "/a%00", "/a/..%00/b", "/%2f.%2f"}) {
    RequestHead head = head_of("GET", target, "example.com");
    EXPECT_FALSE(normalize_target(head)) << target;
  }
}

TEST(NormalizeTarget, KeepsEncodedSlashesAndTheQuery) {
  for (const std::string_view target :
       {"/a%2fb", "/a%2Fb/c", "/a;v=1/b", "/...", "/.well-known/x", "/a..b/..c", "/a//b", "/?../..%2f", "/a?x=%00;..",
        "/100%", "/%zz", "/%%361dmin", "/%2561dmin", "/a%20b%3f", "/a?%61"}) {
    RequestHead head = head_of("GET", target, "example.com");
    ASSERT_TRUE(normalize_target(head)) << target;
    EXPECT_EQ(head.target, target);
  }
}

TEST(NormalizeTarget, RefusesProtocolsThatMustNotBeSwitchedTo) {
  for (const std::string_view protocol : {"h2c", "H2C", "websocket, h2c", "a b", "a;b"}) {
    RequestHead head = head_of("GET", "/", "example.com");
    head.version = HttpVersion::http2;
    head.upgrade = protocol;
    EXPECT_FALSE(normalize_target(head)) << protocol;
  }
  RequestHead head = head_of("GET", "/", "example.com");
  head.upgrade = "websocket";
  EXPECT_TRUE(normalize_target(head));
}

TEST(NormalizeTarget, DecodesWhatNeedsNoEncoding) {
  const std::pair<const char*, const char*> cases[] = {{"/%61dmin", "/admin"},
                                                       {"/%41%7a%30%2D%2e%5f%7E", "/Az0-._~"},
                                                       {"/%2e%2e%2e/x", "/.../x"},
                                                       {"/a%2f%62?%63", "/a%2fb?%63"},
                                                       {"/x/%2e./%61", "/a"}};
  for (const auto& [sent, wanted] : cases) {
    RequestHead head = head_of("GET", sent, "example.com");
    ASSERT_TRUE(normalize_target(head)) << sent;
    EXPECT_EQ(head.target, wanted) << sent;
  }
}

TEST(NormalizeTarget, RemovesDotSegmentsInWhateverSpelling) {
  const std::pair<const char*, const char*> cases[] = {{"/a/../b", "/b"},      {"/a/%2e%2E/b?../x", "/b?../x"},
                                                       {"/a/.%2e/b", "/b"},    {"/./a/%2e/b/.", "/a/b/"},
                                                       {"/../../etc", "/etc"}, {"/a/b/..", "/a/"},
                                                       {"/..", "/"},           {"/.", "/"},
                                                       {"/a//../b", "/a/b"},   {"/a/b/c/../../../../d", "/d"},
                                                       {"/%2e", "/"},          {"/a/..//b", "//b"}};
  for (const auto& [sent, wanted] : cases) {
    RequestHead head = head_of("GET", sent, "example.com");
    ASSERT_TRUE(normalize_target(head)) << sent;
    EXPECT_EQ(head.target, wanted) << sent;
    EXPECT_FALSE(needs_path_normalization(head.path())) << sent;
  }
}

TEST(NormalizeTarget, GivesHttp10WithoutHostTheAuthorityOfTheConnection) {
  RequestHead old = head_of("GET", "/", "", HttpVersion::http10);
  ASSERT_TRUE(normalize_target(old, "www.example.com"));
  EXPECT_EQ(old.authority, "www.example.com");
  RequestHead named = head_of("GET", "http://other.example/", "", HttpVersion::http10);
  ASSERT_TRUE(normalize_target(named, "www.example.com"));
  EXPECT_EQ(named.authority, "other.example");
  RequestHead current = head_of("GET", "/", "");
  EXPECT_FALSE(normalize_target(current, "www.example.com"));
}

TEST(LenientPath, IsWhatAForgivingBackendReads) {
  for (const std::string_view path : {"/", "/a/b", "/a%20b", "/a.b/c-d", "/%"}) {
    EXPECT_FALSE(has_lenient_reading(path)) << path;
  }
  const std::pair<const char*, const char*> cases[] = {
      {"//admin", "/admin"},    {"/admin;x/y;z=1", "/admin/y"}, {"/a%2fb", "/a/b"},   {"/a%5Cb", "/a/b"},
      {"/a\\b", "/a/b"},        {"/%2f/a///b/", "/a/b/"},       {"/a%3bx/b", "/a/b"}, {"/;x", "/"},
      {"/a//b%20c", "/a/b%20c"}};
  for (const auto& [sent, wanted] : cases) {
    EXPECT_TRUE(has_lenient_reading(sent)) << sent;
    EXPECT_EQ(lenient_path(sent), wanted) << sent;
  }
}

TEST(MatchesPrefix, IsByWholeSegments) {
  for (const std::string_view path : {"/apple", "/ap", "/", "", "/App", "/app%2fx", "x/app"}) {
    EXPECT_FALSE(matches_prefix(path, "/app")) << path;
  }
  for (const std::string_view path : {"/app", "/app/", "/app/x", "/app//x"}) {
    EXPECT_TRUE(matches_prefix(path, "/app")) << path;
    EXPECT_TRUE(matches_prefix(path, "/app/")) << path;
    EXPECT_TRUE(matches_prefix(path, "/")) << path;
  }
}

TEST(ReplacePrefix, NeverLosesTheSlash) {
  const std::array<const char*, 4> cases[] = {{"/app/x?q", "/app", "/v2", "/v2/x?q"},
                                              {"/app", "/app", "/v2", "/v2"},
                                              {"/app?q", "/app", "/", "/?q"},
                                              {"/app/x", "/app", "/", "/x"},
                                              {"/app/x", "/app/", "/v2/", "/v2/x"},
                                              {"/x", "/", "/v2", "/v2/x"},
                                              {"/app", "/app", "", "/"},
                                              {"/app/x", "/app", "v2", "/v2/x"},
                                              {"/app/", "/app", "/v2", "/v2/"},
                                              {"/apple", "/app", "/v2", "/apple"},
                                              {"//app;v=1/x?q", "/app", "/v2", "/v2/x?q"},
                                              {"/?q", "/", "/v2", "/v2/?q"}};
  for (const auto& [target, prefix, replacement, wanted] : cases) {
    EXPECT_EQ(replace_prefix(target, prefix, replacement), wanted) << target << ' ' << prefix << ' ' << replacement;
  }
}

}  // namespace
}  // namespace proxy
