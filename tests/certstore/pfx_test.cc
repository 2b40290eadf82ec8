#include "certstore/pfx.h"

#include <gtest/gtest.h>

#include <string>

#include "base/openssl.h"
#include "tests/support/mint.h"

namespace certstore {
namespace {

constexpr int rounds = 0x10000;  // three bytes in DER, so that others of three bytes can take their place

std::string made_with(const test::Minted& minted, int key_cipher, int certificate_cipher, int mac_rounds) {
  const base::Pkcs12Ptr made(PKCS12_create("secret", "minted", minted.key.get(), minted.certificate.get(), nullptr,
                                           key_cipher, certificate_cipher, rounds, mac_rounds, 0));
  unsigned char* der = nullptr;
  const int size = i2d_PKCS12(made.get(), &der);
  std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

const std::string asked{"\x02\x03\x01\x00\x00", 5};
const std::string asked_too_much{"\x02\x03\x7f\xff\xff", 5};

// A file that says eight million rounds where it said `rounds` first.
std::string patched(std::string pfx) {
  const std::size_t at = pfx.find(asked);
  return at == std::string::npos ? std::string() : pfx.replace(at, asked.size(), asked_too_much);
}

test::Minted minted() {
  return test::Authority("rounds").issue({.names = {"a.example"}});
}

TEST(Pfx, IsRefusedBeforeItsInnerPartsCostTooMuch) {
  const test::Minted pair = minted();
  const int old = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
  // The first is the certificates' part; without a cipher for it, the key's own. With and without a MAC in front.
  for (const int key_cipher : {0, old}) {
    for (const int certificate_cipher : {0, old, -1}) {
      for (const int mac_rounds : {2048, -1}) {
        const std::string pfx = patched(made_with(pair, key_cipher, certificate_cipher, mac_rounds));
        ASSERT_FALSE(pfx.empty());
        const auto read = read_pfx(pfx, "secret");
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().code, base::Code::too_large) << read.error().what;
      }
    }
  }
}

TEST(Pfx, OfUsualCostIsRead) {
  const auto read = read_pfx(made_with(minted(), 0, 0, 2048), "secret");
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->keys.size(), 1U);
  EXPECT_EQ(read->certificates.size(), 1U);
}

}  // namespace
}  // namespace certstore
