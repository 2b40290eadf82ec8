#include "proxy/affinity.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "proxy/backend_states.h"

namespace proxy {
namespace {

using namespace std::chrono_literals;

config::Backend sticky(const std::string& name = "app", const std::string& key = "") {
  config::Backend backend;
  backend.name = name;
  backend.endpoints = {{.host = "192.0.2.1", .port = 80}, {.host = "192.0.2.2", .port = 80}};
  backend.affinity = config::AffinityCookie{.name = "stay", .key = key};
  return backend;
}

BackendState state_of(const config::Backend& backend, const std::string& secret = "secret") {
  BackendStates states({}, secret);
  const ConfiguredBackend configured{std::make_shared<const config::Backend>(backend), nullptr, false};
  return *states.build(nullptr, backend.name, configured, {}, {});
}

HeaderList cookies(std::initializer_list<std::string> fields) {
  HeaderList headers;
  for (const std::string& field : fields) headers.add(http::field::cookie, field);
  return headers;
}

TEST(Affinity, KnowsNoValueThatItHasNotMade) {
  const BackendState state = state_of(sticky());
  const std::string good = state.endpoints[0].affinity;
  for (const std::string& field :
       {std::string(), std::string("stay"), std::string("stay="), "stay=" + good + "x", "stay=" + good.substr(1),
        "stray=" + good, "xstay=" + good, "STAY=" + good, std::string("stay=192.0.2.1:80"), std::string(";;; ;=;")}) {
    EXPECT_FALSE(endpoint_of_cookie(cookies({field}), state)) << field;
  }
  EXPECT_FALSE(endpoint_of_cookie(HeaderList(), state));
}

TEST(Affinity, LooksAtFewCookiesOfOneName) {
  const BackendState state = state_of(sticky());
  std::string many;
  for (int i = 0; i < 4; ++i) many += "stay=made-up; ";
  EXPECT_FALSE(endpoint_of_cookie(cookies({many + "stay=" + state.endpoints[0].affinity}), state));
}

TEST(Affinity, LeadsNowhereWhereTheBackendIsAnother) {
  const BackendState here = state_of(sticky("here"));
  const BackendState there = state_of(sticky("there"));
  EXPECT_FALSE(endpoint_of_cookie(cookies({"stay=" + there.endpoints[0].affinity}), here));
}

TEST(Affinity, DependsOnTheSecretAndShowsNoAddress) {
  const BackendState state = state_of(sticky());
  EXPECT_NE(state.endpoints[0].affinity, state.endpoints[1].affinity);
  EXPECT_NE(state.endpoints[0].affinity, state_of(sticky(), "another").endpoints[0].affinity);
  EXPECT_EQ(state.endpoints[0].affinity.size(), 22U);
  EXPECT_TRUE(state_of([] {
                auto backend = sticky();
                backend.affinity.reset();
                return backend;
              }())
                  .endpoints[0]
                  .affinity.empty());
}

TEST(Affinity, IsTheSameForAllWhoHaveItsKey) {
  const BackendState one = state_of(sticky("app", "the key of all"), "of one process");
  const BackendState other = state_of(sticky("app", "the key of all"), "of another");
  EXPECT_EQ(one.endpoints[1].affinity, other.endpoints[1].affinity);
  EXPECT_NE(one.endpoints[1].affinity, state_of(sticky("app", "another key")).endpoints[1].affinity);
}

TEST(Affinity, IsTheSameForAnAddressHoweverItIsHeld) {
  const config::Backend backend = sticky();
  const tcp::endpoint four(asio::ip::make_address("192.0.2.1"), 80);
  const tcp::endpoint mapped(asio::ip::make_address("::ffff:192.0.2.1"), 80);
  EXPECT_EQ(affinity_value(backend, "s", four), affinity_value(backend, "s", mapped));
  EXPECT_NE(affinity_value(backend, "s", four), affinity_value(backend, "s", {four.address(), 81}));
}

TEST(Affinity, FindsItsCookieAmongOthers) {
  const BackendState state = state_of(sticky());
  const auto& wanted = state.endpoints[1];
  const std::string pair = "stay=" + wanted.affinity;
  EXPECT_EQ(endpoint_of_cookie(cookies({pair}), state), wanted.address);
  EXPECT_EQ(endpoint_of_cookie(cookies({"a=b; " + pair + "; c=d"}), state), wanted.address);
  EXPECT_EQ(endpoint_of_cookie(cookies({"a=b;" + pair}), state), wanted.address);
  // HTTP/2 splits the field; a path below another has a cookie of the same name.
  EXPECT_EQ(endpoint_of_cookie(cookies({"a=b", "c=d", pair}), state), wanted.address);
  EXPECT_EQ(endpoint_of_cookie(cookies({"stay=of-another-path; " + pair}), state), wanted.address);
}

TEST(Affinity, WritesTheCookieAsConfigured) {
  EndpointState endpoint;
  endpoint.affinity = "value";
  config::AffinityCookie cookie{.name = "stay"};
  EXPECT_EQ(affinity_cookie(cookie, endpoint, "/shop", ClientScheme::http),
            "stay=value; Path=/shop; HttpOnly; SameSite=Lax");
  EXPECT_EQ(affinity_cookie(cookie, endpoint, "/a;b", ClientScheme::https),
            "stay=value; Path=/; HttpOnly; SameSite=Lax; Secure");
  cookie.path = "/";
  cookie.max_age = 2h;
  cookie.secure = false;
  cookie.same_site = config::SameSite::strict;
  EXPECT_EQ(affinity_cookie(cookie, endpoint, "/shop", ClientScheme::https),
            "stay=value; Path=/; Max-Age=7200; HttpOnly; SameSite=Strict");
  cookie.same_site = config::SameSite::none;
  EXPECT_TRUE(affinity_cookie(cookie, endpoint, "/", ClientScheme::http).ends_with("; SameSite=None; Secure"));
}

}  // namespace
}  // namespace proxy
