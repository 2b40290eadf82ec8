#include "kube/access.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/base64.h"
#include "kube/client.h"
#include "kube/exec_credential.h"
#include "kube/kubeconfig.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_server.h"

namespace kube {
namespace {

constexpr const char* v1 = "client.authentication.k8s.io/v1";

class AccessTest : public testing::Test {
 protected:
  static test::TlsIdentity identity(const test::Authority& authority) {
    const auto leaf = authority.issue({.names = {"127.0.0.1"}});
    return {leaf.chain_pem(), leaf.key_pem(), authority.pem()};
  }
  InCluster pod() {
    const auto colon = server_.address().find(':');
    return {server_.address().substr(0, colon), server_.address().substr(colon + 1), scratch_.path()};
  }
  // By a new file and a rename, as the kubelet does it.
  void replace(const std::string& name, const std::string& content) {
    scratch_.write(name + ".new", content);
    std::filesystem::rename(scratch_ / (name + ".new"), scratch_ / name);
  }
  void script(const std::string& name, const std::string& text) {
    scratch_.write(name, "#!/bin/sh\n" + text);
    std::filesystem::permissions(scratch_ / name, std::filesystem::perms::owner_all);
  }
  base::Result<std::shared_ptr<Access>> with(const std::string& cluster, const std::string& user) {
    scratch_.write("config",
                   "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u, namespace: web}}]\n"
                   "clusters: [{name: k, cluster: {server: \"" +
                       server_.url("/") + "\", " + cluster +
                       "}}]\n"
                       "users: [{name: u, user: {" +
                       user + "}}]\n");
    return make_kubeconfig_access({scratch_ / "config"}, "", clock_);
  }
  std::string ca_data() { return "certificate-authority-data: " + base::to_base64(authority_.pem()); }
  // What the server saw of a request over this.
  std::string seen_by(const std::shared_ptr<Access>& access) {
    Client client(access);
    const auto object = client.get(resources::secrets, {"web", "app"});
    if (!object) return object.error().error.what;
    return (*object)["client"].get<std::string>() + "|" + (*object)["token"].get<std::string>();
  }

  test::ScratchFolder scratch_;
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 5 / 1)};
  test::Authority authority_{"cluster authority"};
  std::string refused_;  // this token is not known
  test::ScriptedServer server_{[this](const test::ScriptedServer::Request& request) -> test::ScriptedServer::Reply {
                                 const std::string token = request.header("Authorization");
                                 if (!refused_.empty() && token == "Bearer " + refused_) return {.status = 401};
                                 const nlohmann::json body{{"client", request.client}, {"token", token}};
                                 return {.body = body.dump()};
                               },
                               identity(authority_)};
};

TEST_F(AccessTest, SaysWhichFileOfAServiceAccountIsNotThere) {
  const auto access = make_in_cluster_access(pod());
  ASSERT_FALSE(access);
  EXPECT_TRUE(access.error().what.contains("token")) << access.error().what;
}

TEST_F(AccessTest, FollowsATokenAndAnAuthorityThatAreReplaced) {
  scratch_.write("token", "first\n");
  scratch_.write("ca.crt", authority_.pem());
  scratch_.write("namespace", "edge\n");
  const auto access = make_in_cluster_access(pod());
  ASSERT_TRUE(access) << access.error().what;
  Client client(*access);
  const auto token = [&] {
    const auto object = client.get(resources::secrets, {"web", "app"});
    return object ? (*object)["token"].get<std::string>() : object.error().error.what;
  };
  EXPECT_EQ(token(), "Bearer first");
  replace("token", "second");
  EXPECT_EQ(token(), "Bearer second");
  const test::Authority next("next authority");
  server_.show(identity(next));
  server_.drop_connections();
  EXPECT_TRUE(token().contains("certificate")) << token();
  replace("ca.crt", next.pem());
  EXPECT_EQ(token(), "Bearer second");
  std::filesystem::remove(scratch_ / "token");  // while it is being replaced
  EXPECT_EQ(token(), "Bearer second");
  EXPECT_EQ((*access)->own_namespace(), "edge");
}

TEST_F(AccessTest, RefusesWaysToLogInThatItDoesNotKnow) {
  for (const char* user : {"auth-provider: {name: azure}", "username: a, password: b", "as: admin"}) {
    const auto access = with(ca_data(), user);
    ASSERT_FALSE(access) << user;
    EXPECT_TRUE(access.error().what.contains("not supported")) << access.error().what;
  }
}

TEST_F(AccessTest, SaysWhatIsWrongWithAKubeconfig) {
  EXPECT_EQ(make_kubeconfig_access({scratch_ / "absent"}, "", clock_).error().code, base::Code::not_found);
  scratch_.write("config", "contexts: [\n");
  EXPECT_TRUE(make_kubeconfig_access({scratch_ / "config"}, "", clock_).error().what.contains("config:"));
  scratch_.write("config", "contexts: []\n");
  EXPECT_TRUE(make_kubeconfig_access({scratch_ / "config"}, "", clock_).error().what.contains("current-context"));
  EXPECT_TRUE(make_kubeconfig_access({scratch_ / "config"}, "x", clock_).error().what.contains("no context \"x\""));
  EXPECT_FALSE(with("certificate-authority-data: \"%%\"", ""));
  EXPECT_FALSE(with(ca_data(), "client-certificate-data: " + base::to_base64("x")));
  EXPECT_FALSE(with(ca_data(), "exec: {apiVersion: " + std::string(v1) + ", command: x, interactiveMode: Always}"));
  EXPECT_FALSE(with(ca_data(), "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}"));
}

TEST_F(AccessTest, MergesFilesAsTheFirstSays) {
  scratch_.write("one", "current-context: c\nclusters: [{name: k, cluster: {server: \"https://one\"}}]\n");
  scratch_.write("two",
                 "current-context: other\ncontexts: [{name: c, context: {cluster: k}}]\n"
                 "clusters: [{name: k, cluster: {server: \"https://two\"}}]\n");
  const auto context = read_kubeconfig({scratch_ / "absent", scratch_ / "one", scratch_ / "two"}, "");
  ASSERT_TRUE(context) << context.error().what;
  EXPECT_EQ(context->cluster.server, "https://one");
}

TEST_F(AccessTest, ShowsACertificateFromAKubeconfig) {
  const auto leaf = authority_.issue({.names = {"who.example.com"}, .common_name = "who"});
  scratch_.write("client.crt", leaf.chain_pem());
  scratch_.write("client.key", leaf.key_pem());
  const auto access = with(ca_data(), "client-certificate: client.crt, client-key: client.key");
  ASSERT_TRUE(access) << access.error().what;
  EXPECT_EQ(seen_by(*access), "who|");
  EXPECT_EQ((*access)->own_namespace(), "web");
}

TEST_F(AccessTest, ReadsATokenFromItsFile) {
  scratch_.write("secret", "from-file\n");
  const auto access = with(ca_data(), "token: unused, tokenFile: secret");
  ASSERT_TRUE(access);
  EXPECT_EQ(seen_by(*access), "|Bearer from-file");
}

TEST_F(AccessTest, ChecksTheNameThatTheKubeconfigSays) {
  const auto leaf = authority_.issue({.names = {"kubernetes.default.svc"}});
  server_.show({leaf.chain_pem(), leaf.key_pem()});
  EXPECT_NE(seen_by(with(ca_data(), "token: t").value()), "|Bearer t");
  EXPECT_EQ(seen_by(with(ca_data() + ", tls-server-name: kubernetes.default.svc", "token: t").value()), "|Bearer t");
  EXPECT_EQ(seen_by(with("insecure-skip-tls-verify: true", "token: t").value()), "|Bearer t");
}

TEST_F(AccessTest, AsksThePluginAgainWhenItsTokenExpiresOrIsRefused) {
  script("plugin",
         "echo x >>\"$COUNT\"\nn=$(wc -l <\"$COUNT\")\nprintf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"%s\","
         "\"status\":{\"token\":\"t%d\",\"expirationTimestamp\":\"2026-05-01T01:00:00Z\"}}' \"$1\" $n\n");
  const auto access = with(ca_data(), "exec: {apiVersion: " + std::string(v1) + ", command: ./plugin, args: [" + v1 +
                                          "], env: [{name: COUNT, value: \"" + (scratch_ / "count").string() + "\"}]}");
  ASSERT_TRUE(access) << access.error().what;
  EXPECT_EQ(seen_by(*access), "|Bearer t1");
  EXPECT_EQ(seen_by(*access), "|Bearer t1");
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(seen_by(*access), "|Bearer t2");
  refused_ = "t3";  // expired again: the clock has not gone back
  EXPECT_EQ(seen_by(*access), "|Bearer t4");
}

TEST_F(AccessTest, SaysThatAPluginFailedWithoutItsOutput) {
  script("plugin", "echo very-secret; exit 3\n");
  const auto access = with(ca_data(), "exec: {apiVersion: " + std::string(v1) + ", command: ./plugin}");
  ASSERT_TRUE(access);
  EXPECT_EQ(seen_by(*access), "GET /api/v1/namespaces/web/secrets/app: credential plugin ./plugin: exit code 3");
  const auto absent =
      with(ca_data(), "exec: {apiVersion: " + std::string(v1) + ", command: ./absent, installHint: get it there}");
  EXPECT_TRUE(seen_by(*absent).contains("get it there")) << seen_by(*absent);
}

TEST(ExecCredential, RefusesWhatIsNone) {
  for (
      const char* text :
      {"", "[]", R"({"kind":"Other","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}})",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"t"}})",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"})",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{}})",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"clientKeyData":"k"}})",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"a\nb"}})",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t","expirationTimestamp":"soon"}})"}) {
    EXPECT_FALSE(exec_credential_from(text, v1)) << text;
  }
}

}  // namespace
}  // namespace kube
