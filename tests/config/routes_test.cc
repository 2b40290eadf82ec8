#include <gtest/gtest.h>

#include <string>

#include "config/parse.h"
#include "tests/support/config_faults.h"

namespace config {
namespace {

std::string routes(const std::string& text) {
  return "listeners:\n  - address: ':80'\nbackends: { app: { endpoints: ['h:1'] } }\nroutes:\n" + text;
}

void expect_fault(const std::string& text, const std::string& expected) {
  test::expect_fault_in(routes(text), expected, "s");
}

std::vector<Route> parsed(const std::string& text) {
  const auto config = parse(routes(text), "s");
  if (config) return config->routes;
  for (const Diagnostic& fault : config.error()) ADD_FAILURE() << fault.to_string();
  return {};
}

TEST(Routes, NeedExactlyOneAction) {
  expect_fault("  - hosts: [a]\n", "found route with none of backend, redirect, respond, expected one of them");
  expect_fault("  - { backend: app, respond: {} }\n",
               "found `respond`, expected only one of backend, redirect, respond, and `backend` is there");
}

TEST(Routes, RefuseTwoThatMatchTheSame) {
  expect_fault("  - { name: x, hosts: [a, b], backend: app }\n  - { name: y, hosts: [c, B], respond: {} }\n",
               "s:6:5: found a route that matches for `b` exactly what the route at line 5 matches");
  expect_fault("  - { backend: app }\n  - { respond: {} }\n", "matches for `*` exactly");
  expect_fault("  - { path: { prefix: /a }, backend: app }\n  - { path: { prefix: /a/ }, respond: {} }\n",
               "exactly what");
  expect_fault("  - { methods: [GET, PUT], backend: app }\n  - { methods: [PUT, GET], respond: {} }\n", "exactly what");
}

TEST(Routes, MayDifferInOneCondition) {
  const auto all = parsed(
      "  - { hosts: [a], backend: app }\n"
      "  - { hosts: [a], methods: [GET], backend: app }\n"
      "  - { hosts: [a], path: { exact: / }, backend: app }\n"
      "  - { hosts: [a], headers: [{ name: x, present: true }], backend: app }\n");
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].name, "a/");
  EXPECT_EQ(all[1].name, "a/#2");
  EXPECT_EQ(all[3].name, "a/#4");
}

TEST(Routes, NeverTakeANameThatIsGiven) {
  const auto all = parsed("  - { hosts: [a], backend: app }\n  - { name: a/, hosts: [b], backend: app }\n");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "a/#2");
}

TEST(Routes, RefuseTheSameNameTwice) {
  expect_fault("  - { name: x, hosts: [a], backend: app }\n  - { name: x, hosts: [b], backend: app }\n",
               "s:6:13: found route name `x` a second time");
}

TEST(Routes, RefuseHostsThatAreNone) {
  expect_fault("  - { hosts: ['*'], backend: app }\n", "found `*`, expected a host name or a pattern");
  expect_fault("  - { hosts: ['a.*.example.com'], backend: app }\n", "a wildcard only as the whole left-most label");
  expect_fault("  - { hosts: ['w*.example.com'], backend: app }\n", "a wildcard only as the whole left-most label");
  expect_fault("  - { hosts: ['a..b'], backend: app }\n", "found `a..b`, expected a host name");
  expect_fault("  - { hosts: ['http://a'], backend: app }\n", "expected a host name");
  expect_fault("  - { hosts: ['a', 'A'], backend: app }\n", "found `A`, expected each only once");
  expect_fault("  - { hosts: a, backend: app }\n", "found `a`, expected a list");
}

TEST(Routes, CompareHostsInOneForm) {
  const auto all =
      parsed("  - { hosts: [WWW.Example.COM, '*.BÜCHER.example', a.b., '::1', 127.0.0.1], backend: app }\n");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].hosts,
            (std::vector<std::string>{"www.example.com", "*.xn--bcher-kva.example", "a.b", "[::1]", "127.0.0.1"}));
}

TEST(Routes, RefusePathsThatCannotMatch) {
  expect_fault("  - { path: /app, backend: app }\n", "found `/app`, expected { prefix: /app } or { exact: /app }");
  expect_fault("  - { path: { prefix: app }, backend: app }\n", "expected a path that begins with /");
  expect_fault("  - { path: { prefix: '/a?b' }, backend: app }\n", "expected a path without query");
  expect_fault("  - { path: { prefix: /a/../b }, backend: app }\n", "expected a path without . and .. segments");
  expect_fault("  - { path: { prefix: /ü }, backend: app }\n", "percent-encoded");
  expect_fault("  - { path: {}, backend: app }\n", "found path with none of prefix, exact");
  expect_fault("  - { path: { prefix: /, exact: / }, backend: app }\n", "expected only one of prefix, exact");
}

TEST(Routes, RefuseReplacedPrefixesThatHaveNone) {
  expect_fault("  - { path: { exact: /a }, backend: app, replace_prefix: /b }\n",
               "expected a path of kind `prefix` beside it");
  expect_fault("  - { respond: {}, replace_prefix: /b }\n", "found `replace_prefix`, expected it beside `backend`");
}

TEST(Routes, RefuseMethodsInLowerCase) {
  expect_fault("  - { methods: [get], backend: app }\n", "a method in capitals");
}

TEST(Routes, RefuseHeaderConditionsThatSayNothing) {
  expect_fault("  - { headers: [{ name: x }], backend: app }\n",
               "found header match with none of exact, prefix, present, absent");
  expect_fault("  - { headers: [{ name: 'a b', exact: x }], backend: app }\n", "expected the name of a header field");
  expect_fault("  - { headers: [{ exact: x }], backend: app }\n", "found header match without `name`");
  expect_fault("  - { headers: [{ name: x, present: false }], backend: app }\n", "found `false`, expected true");
}

TEST(Routes, RefuseChangesOfFieldsThatFrameMessages) {
  expect_fault("  - backend: app\n    request_headers: { set: { Content-Length: 5 } }\n", "belongs to the connection");
  expect_fault("  - backend: app\n    request_headers: { remove: [transfer-encoding] }\n", "belongs to the connection");
  expect_fault("  - backend: app\n    request_headers: { set: { Host: a } }\n", "`host_header` of the backend");
  expect_fault("  - backend: app\n    request_headers: { set: { X-A: 1, x-a: 2 } }\n",
               "found field `x-a` a second time");
  expect_fault("  - backend: app\n    response_headers: { add: { X-A: \"a\\r\\nB: c\" } }\n",
               "the value of a header field");
  expect_fault("  - backend: app\n    response_headers: { add: { X-A: [1] } }\n", "found a list, expected text");
}

TEST(Routes, RefuseRedirectsToTheSamePlace) {
  expect_fault("  - redirect: {}\n", "found a redirect to the same place");
  expect_fault("  - redirect: { status: 200, host: a }\n", "expected one of 301, 302, 303, 307, 308");
  expect_fault("  - redirect: { path: /a, replace_prefix: /b }\n", "expected only one of path, replace_prefix");
  expect_fault("  - redirect: { scheme: ftp }\n", "s:5:25: found `ftp`, expected one of http, https\n");
}

TEST(Routes, RefuseResponsesThatCannotBe) {
  expect_fault("  - respond: { status: 101 }\n", "expected a whole number from 200 to 599");
  expect_fault("  - respond: { status: 204, body: x }\n", "expected no body with this status");
  expect_fault("  - respond: { content_type: \"a\\nb\" }\n", "one line of text");
}

TEST(Routes, RefuseSizesAndTimesWithoutMeaning) {
  expect_fault("  - { backend: app, body_size: 5MB }\n", "found `5MB`, expected a size from 0 to 1048576GiB");
  expect_fault("  - { backend: app, request_timeout: 30 }\n",
               "found `30`, expected a duration from 0 to 1d, with a unit");
}

}  // namespace
}  // namespace config
