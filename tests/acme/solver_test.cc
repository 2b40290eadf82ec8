#include "acme/solver.h"

#include <gtest/gtest.h>

#include <array>
#include <map>

namespace acme {
namespace {

// The process boundary: what a fleet would answer.
class Shown final : public ChallengeTable {
 public:
  base::Result<void> put_http01(const std::string& token, const std::string& key_authorization,
                                std::stop_token /*stop*/) override {
    if (fails) return base::fail(base::Code::io, "no room");
    http01[token] = key_authorization;
    return {};
  }
  base::Result<void> put_tls_alpn01(const std::string& server_name, const certstore::CertificatePtr& certificate,
                                    std::stop_token /*stop*/) override {
    if (fails) return base::fail(base::Code::io, "no room");
    tls_alpn01[server_name] = certificate;
    return {};
  }
  void remove_http01(const std::string& token) override { http01.erase(token); }
  void remove_tls_alpn01(const std::string& server_name) override { tls_alpn01.erase(server_name); }

  bool fails = false;
  std::map<std::string, std::string> http01;
  std::map<std::string, certstore::CertificatePtr> tls_alpn01;
};

ChallengeTask task_for(const char* name) {
  ChallengeTask task;
  task.identifier = identifier_of(name);
  task.token = "token";
  task.key_authorization = "token.thumbprint";
  return task;
}

TEST(Http01Solver, SaysWhatTheTableSaysAndTakesAwayWhatItShowed) {
  Shown shown;
  const auto solver = make_http01_solver(shown);
  EXPECT_EQ(solver->type(), config::ChallengeType::http01);
  shown.fails = true;
  EXPECT_FALSE(solver->present(task_for("a.test"), {}));
  shown.fails = false;
  EXPECT_TRUE(solver->clean_up(task_for("a.test"), {}));
  ASSERT_TRUE(solver->present(task_for("a.test"), {}));
  EXPECT_EQ(shown.http01.at("token"), "token.thumbprint");
  EXPECT_TRUE(solver->clean_up(task_for("a.test"), {}));
  EXPECT_TRUE(shown.http01.empty());
}

TEST(TlsAlpn01Solver, FailsWithTheTable) {
  Shown shown;
  shown.fails = true;
  EXPECT_FALSE(make_tls_alpn01_solver(shown)->present(task_for("a.test"), {}));
}

TEST(TlsAlpn01Solver, ShowsOneNameAndTheDigestInACriticalExtension) {
  Shown shown;
  const auto solver = make_tls_alpn01_solver(shown);
  ASSERT_TRUE(solver->present(task_for("a.test"), {}));
  X509* leaf = shown.tls_alpn01.at("a.test")->material()->leaf.get();
  EXPECT_EQ(shown.tls_alpn01.at("a.test")->facts().dns_names, std::vector<std::string>{"a.test"});
  EXPECT_TRUE(shown.tls_alpn01.at("a.test")->facts().ip_addresses.empty());

  const std::unique_ptr<ASN1_OBJECT, base::Freed<ASN1_OBJECT_free>> wanted(OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1));
  const int at = X509_get_ext_by_OBJ(leaf, wanted.get(), -1);
  ASSERT_GE(at, 0);
  EXPECT_EQ(X509_get_ext_by_OBJ(leaf, wanted.get(), at), -1);
  X509_EXTENSION* extension = X509_get_ext(leaf, at);
  EXPECT_EQ(X509_EXTENSION_get_critical(extension), 1);
  std::array<unsigned char, 32> digest{};
  EVP_Digest("token.thumbprint", 16, digest.data(), nullptr, EVP_sha256(), nullptr);
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                        static_cast<std::size_t>(ASN1_STRING_length(value))),
            std::string("\x04\x20") + std::string(digest.begin(), digest.end()));

  EXPECT_TRUE(solver->clean_up(task_for("a.test"), {}));
  EXPECT_TRUE(shown.tls_alpn01.empty());
}

TEST(TlsAlpn01Solver, ShowsAnAddressUnderItsReverseName) {
  Shown shown;
  const auto solver = make_tls_alpn01_solver(shown);
  ASSERT_TRUE(solver->present(task_for("192.0.2.1"), {}));
  const auto& facts = shown.tls_alpn01.at("1.2.0.192.in-addr.arpa")->facts();
  EXPECT_EQ(facts.ip_addresses, std::vector<std::string>{"192.0.2.1"});
  EXPECT_TRUE(facts.dns_names.empty());
  ASSERT_TRUE(solver->present(task_for("2001:db8::1"), {}));
  EXPECT_TRUE(shown.tls_alpn01.contains("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"));
  EXPECT_TRUE(solver->clean_up(task_for("192.0.2.1"), {}));
  EXPECT_TRUE(solver->clean_up(task_for("2001:db8::1"), {}));
  EXPECT_TRUE(shown.tls_alpn01.empty());
}

}  // namespace
}  // namespace acme
