#include "azure/public_certificate.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "certstore/certificate.h"
#include "tests/azure/gateway_examples.h"

namespace azure {
namespace {

test::Minted minted() {
  return test::Authority("root").intermediate("middle").issue({.names = {"www.example.com"}});
}

std::string fingerprint_of(const test::Minted& minted) {
  return (*certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem()))->fingerprint();
}

TEST(PublicCertificate, IsNotFoundInOtherThings) {
  for (const std::string& text : {std::string(), std::string("*****"), base::to_base64("no certificate"),
                                  test::public_data(std::vector<const X509*>())}) {
    const auto found = fingerprints_in(text);
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().code, base::Code::protocol);
  }
}

TEST(PublicCertificate, IsNotFoundInWhatIsCutOff) {
  const std::string whole = *base::from_base64(test::public_data(minted()));
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    EXPECT_FALSE(fingerprints_in(base::to_base64(whole.substr(0, size)))) << size;
  }
}

TEST(PublicCertificate, IsFoundAmongTheWholeChain) {
  const test::Minted pair = minted();
  const auto found = fingerprints_in(test::public_data(pair));
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->size(), 2U);
  EXPECT_NE(std::ranges::find(*found, fingerprint_of(pair)), found->end());
}

TEST(PublicCertificate, IsFoundAlone) {
  const test::Minted pair = minted();
  const std::string text = base::to_base64(test::der_of(pair.certificate.get()));
  EXPECT_EQ(fingerprints_in(text).value(), std::vector{fingerprint_of(pair)});
  EXPECT_EQ(fingerprints_in(text.substr(0, 64) + "\r\n" + text.substr(64)).value(), std::vector{fingerprint_of(pair)});
}

}  // namespace
}  // namespace azure
