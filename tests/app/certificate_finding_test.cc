#include "app/certificate_finding.h"

#include <gtest/gtest.h>

namespace app {
namespace {

using Verdict = acme::Finding::Verdict;

TEST(CertificateFinding, IsBadWhereOneIsRefusedAndNamesIt) {
  std::vector<certstore::CertificateStatus> all(2);
  all[1].id = "web";
  all[1].problem = "the key does not belong to it";
  const acme::Finding found = certificate_finding(all, base::SystemTime());
  EXPECT_EQ(found.verdict, Verdict::bad);
  EXPECT_TRUE(found.text.starts_with("1 of 2 cannot be used: web (refused)")) << found.text;
}

TEST(CertificateFinding, IsGoodWhereThereIsNone) {
  const acme::Finding found = certificate_finding({}, base::SystemTime());
  EXPECT_EQ(found.verdict, Verdict::good);
  EXPECT_TRUE(found.text.starts_with("0 looked at")) << found.text;
}

}  // namespace
}  // namespace app
