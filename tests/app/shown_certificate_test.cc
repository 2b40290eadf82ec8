#include "app/shown_certificate.h"

#include <gtest/gtest.h>

#include "tests/app/observed.h"

namespace app {
namespace {

// Another may hold the name as well; a client is shown the one that the index has.
TEST(ShownCertificate, IsTheOneOfTheIndexAndNoOther) {
  EXPECT_EQ(shown_certificate("www.example.com", {}), nullptr);
  Observed world;
  world.add_certificate("www.example.com");
  world.add_certificate("www.example.com");
  world.add_certificate("*.example.com");
  const Observation seen = world.observe();
  EXPECT_EQ(shown_certificate("WWW.example.com", seen), seen.certificates.at(1).serving);
  EXPECT_EQ(shown_certificate("a.example.com", seen), seen.certificates.at(2).serving);
  EXPECT_EQ(shown_certificate("*.example.com", seen), seen.certificates.at(2).serving);
  EXPECT_EQ(shown_certificate("example.com", seen), nullptr);
}

}  // namespace
}  // namespace app
