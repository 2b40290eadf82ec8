#include "azure/cloud.h"

#include <gtest/gtest.h>

#include "base/system_roots.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace azure {
namespace {

TEST(Endpoints, TrustCAsBesidesThoseOfTheSystem) {
  const test::ScratchFolder folder;
  const test::Authority own("of a private link");
  folder.write("own.pem", own.pem());
  config::Azure azure;
  EXPECT_EQ(endpoints_of(azure)->ca_pem, "") << "the system's alone";
  azure.ca_certificates = folder / "own.pem";
  const auto endpoints = endpoints_of(azure);
  ASSERT_TRUE(endpoints);
  EXPECT_TRUE(endpoints->ca_pem.contains(own.pem()));
  const std::string roots = base::system_roots();
  EXPECT_TRUE(endpoints->ca_pem.contains(roots));
  EXPECT_EQ(endpoints->ca_pem.size() > own.pem().size() + 1, !roots.empty());
}

TEST(Endpoints, NeedTheFileOfCAsThatIsNamed) {
  const test::ScratchFolder folder;
  config::Azure azure;
  azure.ca_certificates = folder / "absent.pem";
  EXPECT_FALSE(endpoints_of(azure));
}

}  // namespace
}  // namespace azure
