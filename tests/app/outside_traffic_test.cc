#include "app/outside_traffic.h"

#include <gtest/gtest.h>

namespace app {
namespace {

config::Route route(const std::string& name, std::vector<std::string> hosts, const std::string& path = "/") {
  config::Route made{.name = name, .hosts = std::move(hosts)};
  made.path.path = path;
  made.action = config::ToBackend{.backend = name, .replace_prefix = {}};
  return made;
}

std::vector<std::string> names(const proxy::RouteTable& table, std::string_view host) {
  std::vector<std::string> all;
  for (const proxy::RoutePtr& one : table.for_host(host)) all.push_back(one->config.name);
  return all;
}

using Names = std::vector<std::string>;

TEST(OutsideTraffic, PutsRoutesOfTheConfigurationBeforeOthersOfTheSamePath) {
  proxy::RouteSlots slots;
  OutsideTraffic traffic;
  proxy::RouteTable table =
      proxy::RouteTable().with(traffic.configure({route("own", {"a.example", "b.example"})}, slots));
  table =
      table.with(traffic.take_hosts({{"a.example", {route("out", {"a.example"}), route("app", {"a.example"}, "/app")}},
                                     {"c.example", {route("c", {"c.example"})}}},
                                    slots));
  EXPECT_EQ(names(table, "a.example"), (Names{"app", "own", "out"}));
  EXPECT_EQ(names(table, "b.example"), Names{"own"});
  EXPECT_EQ(names(table, "c.example"), Names{"c"});
  EXPECT_EQ(table.all().size(), 4U) << "a route of two hosts is one";

  table = table.with(traffic.take_hosts({{"a.example", {}}, {"c.example", {}}}, slots));
  EXPECT_EQ(names(table, "a.example"), Names{"own"});
  EXPECT_EQ(names(table, "c.example"), Names{});
}

TEST(OutsideTraffic, KeepsWhatIsOutsideWhenTheConfigurationChanges) {
  proxy::RouteSlots slots;
  OutsideTraffic traffic;
  (void)traffic.configure({route("own", {"a.example"})}, slots);
  (void)traffic.take_hosts({{"", {route("any", {})}}}, slots);
  const auto table = proxy::RouteTable().with(traffic.configure({route("new", {"*.example"})}, slots));
  EXPECT_EQ(names(table, "a.example"), Names{"new"});
  EXPECT_EQ(names(table, "other.net"), Names{"any"});
}

TEST(OutsideTraffic, LetsABackendOfTheConfigurationHideOneOfTheSameName) {
  OutsideTraffic traffic;
  const auto outside = std::make_shared<const config::Backend>(config::Backend{.name = "app"});
  const std::map<std::string, config::Backend> configured{{"app", {}}};
  EXPECT_TRUE(traffic.take_backends({{"app", outside}}, configured).empty());
  EXPECT_EQ(traffic.take_backends({{"other", outside}}, configured).size(), 1U);
  EXPECT_EQ(traffic.backends().size(), 2U);
  EXPECT_EQ(traffic.take_backends({{"other", nullptr}}, configured).at("other"), nullptr);
  EXPECT_EQ(traffic.backends().size(), 1U);
}

}  // namespace
}  // namespace app
