#include "acme/dns_zone.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "acme/dns_lookup.h"
#include "base/file.h"
#include "tests/acme/named_server.h"

namespace acme {
namespace {

using namespace std::chrono_literals;

config::Rfc2136 configuration(const std::string& algorithm = "hmac-sha256") {
  config::Rfc2136 config;
  config.server = test::named().address();
  config.key_name = "key-" + algorithm;
  config.key_algorithm = algorithm;
  config.secret_file = test::named().secret_file(algorithm);
  return config;
}

std::shared_ptr<DnsZone> zone_of(const config::Rfc2136& config) {
  auto zone = make_rfc2136_zone(config, {test::named().address()});
  if (!zone) throw std::runtime_error(zone.error().what);
  return *zone;
}

std::vector<std::string> texts(const std::string& owner) {
  const auto answer = DnsLookup({{test::named().address()}, 10s}).ask({owner, DnsType::txt}, {});
  if (!answer) return {"failed: " + answer.error().what};
  auto found = answer->contents(owner, DnsType::txt);
  std::ranges::sort(found);
  return found;
}

using Texts = std::vector<std::string>;

TEST(Rfc2136Zone, RefusesASecretThatIsNone) {
  const test::ScratchFolder folder;
  auto config = configuration();
  config.secret_file = folder / "missing";
  EXPECT_FALSE(make_rfc2136_zone(config, {}));
  folder.write("bad", "not base64!");
  config.secret_file = folder / "bad";
  const auto bad = make_rfc2136_zone(config, {});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().what.find("not base64!"), std::string::npos) << "a secret must not be shown";
  folder.write("empty", "\n");
  config.secret_file = folder / "empty";
  EXPECT_FALSE(make_rfc2136_zone(config, {}));
  config = configuration();
  config.key_algorithm = "hmac-md5";
  EXPECT_FALSE(make_rfc2136_zone(config, {}));
}

TEST(Rfc2136Zone, SaysWhenTheServerDoesNotKnowTheKey) {
  auto config = configuration();
  config.key_name = "stranger";
  const auto added = zone_of(config)->add("a.example.test", "v", 60s, {});
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().what.find("BADKEY"), std::string::npos) << added.error().what;
}

TEST(Rfc2136Zone, SaysWhenTheSecretIsAnother) {
  auto config = configuration();
  config.secret_file = test::named().secret_file("hmac-sha512");
  const auto added = zone_of(config)->add("a.example.test", "v", 60s, {});
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().what.find("BADSIG"), std::string::npos) << added.error().what;
}

TEST(Rfc2136Zone, SaysWhenAnUnsignedUpdateIsRefused) {
  auto config = configuration();
  config.secret_file.clear();
  const auto added = zone_of(config)->add("a.example.test", "v", 60s, {});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, base::Code::refused);
  EXPECT_NE(added.error().what.find("REFUSED"), std::string::npos) << added.error().what;
}

TEST(Rfc2136Zone, SaysWhenTheServerHasNoSuchZone) {
  auto config = configuration();
  config.zone = "other.test";
  const auto added = zone_of(config)->add("a.other.test", "v", 60s, {});
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().what.find("NOTAUTH"), std::string::npos) << added.error().what;
  EXPECT_EQ(zone_of(config)->add("a.example.test", "v", 60s, {}).error().code, base::Code::invalid);
}

TEST(Rfc2136Zone, SaysWhenNobodyListens) {
  auto config = configuration();
  config.server = "127.0.0.1:1";
  config.zone = "example.test";
  const auto added = zone_of(config)->add("a.example.test", "v", 60s, {});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, base::Code::unreachable);
}

TEST(Rfc2136Zone, KeepsTheOtherValuesOfAName) {
  const auto zone = zone_of(configuration());
  ASSERT_TRUE(zone->add("both.example.test", "apex", 60s, {}));
  ASSERT_TRUE(zone->add("both.example.test", "wildcard", 60s, {}));
  ASSERT_TRUE(zone->add("both.example.test", "wildcard", 60s, {}));
  EXPECT_EQ(texts("both.example.test"), (Texts{"apex", "wildcard"}));
  ASSERT_TRUE(zone->remove("both.example.test", "apex", {}));
  ASSERT_TRUE(zone->remove("both.example.test", "never was", {}));
  EXPECT_EQ(texts("both.example.test"), Texts{"wildcard"});
  ASSERT_TRUE(zone->remove("both.example.test", "wildcard", {}));
  EXPECT_EQ(texts("both.example.test"), Texts{});
}

TEST(Rfc2136Zone, WritesAValueOfMoreThanOneString) {
  const auto zone = zone_of(configuration());
  const std::string value(600, 'v');
  ASSERT_TRUE(zone->add("long.example.test", value, 60s, {}));
  EXPECT_EQ(texts("long.example.test"), Texts{value});
  ASSERT_TRUE(zone->remove("long.example.test", value, {}));
}

class EveryAlgorithm : public testing::TestWithParam<const char*> {};

TEST_P(EveryAlgorithm, SignsUpdatesThatTheServerTakes) {
  auto config = configuration(GetParam());
  config.zone = "delegated.test";
  const auto zone = zone_of(config);
  const std::string owner = fmt::format("{}.delegated.test", GetParam());
  const auto added = zone->add(owner, "value", 60s, {});
  ASSERT_TRUE(added) << added.error().what;
  EXPECT_EQ(texts(owner), Texts{"value"});
  EXPECT_TRUE(zone->remove(owner, "value", {}));
}

INSTANTIATE_TEST_SUITE_P(Tsig, EveryAlgorithm, testing::ValuesIn(test::NamedServer::algorithms));

TEST(Rfc2136Zone, FindsItsServerByNameAndReadsAWholeKeyStatement) {
  const test::ScratchFolder folder;
  auto config = configuration();
  const auto secret = *base::read_file(config.secret_file);
  folder.write("key", fmt::format("key \"k\" {{\n\talgorithm hmac-sha256;\n\tsecret \"{}\";\n}};\n",
                                  secret.substr(0, secret.size() - 1)));
  config.secret_file = folder / "key";
  config.server = fmt::format("ns.example.test:{}", test::named().port());
  const auto zone = zone_of(config);
  const auto added = zone->add("named.example.test", "value", 60s, {});
  ASSERT_TRUE(added) << added.error().what;
  EXPECT_TRUE(zone->remove("named.example.test", "value", {}));
}

// A program of the operator's, as a shell script.
struct Script {
  explicit Script(const std::string& body) {
    folder.write("hook", "#!/bin/sh\n" + body);
    std::filesystem::permissions(folder / "hook", std::filesystem::perms::owner_all);
  }
  [[nodiscard]] std::shared_ptr<DnsZone> zone(std::chrono::milliseconds timeout = 30s) const {
    return make_exec_zone({{(folder / "hook").string(), "first"}, timeout});
  }
  [[nodiscard]] std::string written(std::string_view name) const {
    return base::read_file(folder / name).value_or("nothing");
  }
  test::ScratchFolder folder;
};

TEST(ExecZone, SaysWhenThereIsNoProgram) {
  const auto added = make_exec_zone({{"/nowhere/hook"}, 1s})->add("a.example.test", "v", 60s, {});
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().what.find("No such file"), std::string::npos) << added.error().what;
}

TEST(ExecZone, ShowsWhatAFailingProgramSaidCutAndOnOneLine) {
  const Script script("echo 'out of luck'; printf '\\033[2J' >&2; head -c 100000 /dev/zero | tr '\\0' x; exit 3\n");
  const auto added = script.zone()->add("a.example.test", "v", 60s, {});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, base::Code::refused);
  EXPECT_NE(added.error().what.find("exit code 3: out of luck"), std::string::npos) << added.error().what;
  EXPECT_EQ(added.error().what.find_first_of("\n\033"), std::string::npos);
  EXPECT_LT(added.error().what.size(), 4500U);
}

TEST(ExecZone, KillsTheProgramAndItsChildrenAtTheDeadline) {
  const Script script(
      "mkfifo \"$(dirname $0)/fifo\"\n(read line < \"$(dirname $0)/fifo\") &\necho $! > \"$(dirname $0)/child\"\n"
      "exec 1>&- 2>&-\nread line < \"$(dirname $0)/fifo\"\n");
  const auto added = script.zone(1s)->add("a.example.test", "v", 60s, {});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, base::Code::timeout) << added.error().what;
  const auto child = static_cast<pid_t>(std::stol(script.written("child")));
  // Killed, which takes the kernel a moment: gone, or a zombie until init has seen it.
  std::string state;
  const auto end = std::chrono::steady_clock::now() + 20s;
  do {
    state = base::read_file(fmt::format("/proc/{}/stat", child)).value_or(") Z");
    std::this_thread::yield();
  } while (state.find(") Z") == std::string::npos && std::chrono::steady_clock::now() < end);
  EXPECT_NE(state.find(") Z"), std::string::npos) << state;
}

TEST(ExecZone, EndsTheProgramWhenStopped) {
  const Script script("mkfifo \"$(dirname $0)/fifo\"; read line < \"$(dirname $0)/fifo\"\n");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(script.zone()->add("a.example.test", "v", 60s, stop.get_token()).error().code, base::Code::cancelled);
}

TEST(ExecZone, HandsOverActionNameAndValueWithoutAShell) {
  ::setenv("SEKISHO_TEST_PASSWORD", "hunter2", 1);
  const Script script(
      "printf '%s|' \"$@\" > \"$(dirname $0)/arguments\"; env > \"$(dirname $0)/environment\"\n"
      "cat > \"$(dirname $0)/input\"; ls /proc/self/fd | wc -l > \"$(dirname $0)/descriptors\"\n");
  const auto added = script.zone()->add("_acme-challenge.a.example.test", "$(id) `id` \"x\"", 61s, {});
  ASSERT_TRUE(added) << added.error().what;
  EXPECT_EQ(script.written("arguments"), "first|add|_acme-challenge.a.example.test|$(id) `id` \"x\"|");
  const std::string environment = script.written("environment");
  EXPECT_NE(environment.find("SEKISHO_DNS_ACTION=add\n"), std::string::npos);
  EXPECT_NE(environment.find("SEKISHO_DNS_NAME=_acme-challenge.a.example.test\n"), std::string::npos);
  EXPECT_NE(environment.find("SEKISHO_DNS_TTL=61\n"), std::string::npos);
  EXPECT_EQ(environment.find("hunter2"), std::string::npos) << "the rest of our environment stays with us";
  EXPECT_EQ(script.written("input"), "");
  EXPECT_TRUE(script.zone()->remove("a.example.test", "v", {}));
  EXPECT_TRUE(script.written("arguments").starts_with("first|remove|"));
}

}  // namespace
}  // namespace acme
