// Whose windows of renewal count: the issuer's own, whoever else names the same server.
#include <gtest/gtest.h>

#include "acme/issuing.h"

namespace acme {
namespace {

config::AcmeIssuer at(const std::string& directory, const std::string& fallback = {}) {
  config::AcmeIssuer issuer;
  issuer.directory = directory;
  issuer.fallback = fallback;
  return issuer;
}

TEST(IssuerAt, IsNeverAnotherOfTheSameServer) {
  Issuers issuers{{"Issuer/a/hostile", at("https://ca.example/dir")},
                  {"Issuer/b/own", at("https://ca.example/dir", "Issuer/b/second")},
                  {"Issuer/b/second", at("https://other.example/dir")},
                  {"self", config::SelfSignedIssuer{}}};
  std::get<config::AcmeIssuer>(issuers["Issuer/a/hostile"]).ca_certificates = "a-bundle-that-verifies-nothing";
  EXPECT_EQ(issuer_at(issuers, "Issuer/b/own", "https://ca.example/dir"),
            &std::get<config::AcmeIssuer>(issuers["Issuer/b/own"]));
  EXPECT_EQ(issuer_at(issuers, "Issuer/b/own", "https://other.example/dir"),
            &std::get<config::AcmeIssuer>(issuers["Issuer/b/second"]));
  EXPECT_EQ(issuer_at(issuers, "Issuer/b/second", "https://ca.example/dir"), nullptr);
  EXPECT_EQ(issuer_at(issuers, "Issuer/b/own", "https://third.example/dir"), nullptr);
  EXPECT_EQ(issuer_at(issuers, "self", "https://ca.example/dir"), nullptr);
  EXPECT_EQ(issuer_at(issuers, "missing", "https://ca.example/dir"), nullptr);
}

TEST(IssuerAt, EndsWhereFallbacksGoInACircle) {
  const Issuers issuers{{"a", at("https://a/", "b")}, {"b", at("https://b/", "a")}};
  EXPECT_EQ(issuer_at(issuers, "a", "https://c/"), nullptr);
}

}  // namespace
}  // namespace acme
