#include "certstore/pem_block.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/openssl.h"
#include "certstore/pem.h"

namespace certstore {
namespace {

std::string block(const std::string& label, std::size_t size) {
  SecretBytes bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 7 + size));
  return write_pem(label.c_str(), bytes);
}

bool refused(std::string_view text) {
  return !strict_blocks(text, 8).has_value();
}

TEST(PemBlock, SaysNothingOfWhatIsNotInTheStrictForm) {
  const std::string good = block("CERTIFICATE", 100);
  ASSERT_FALSE(refused(good));
  EXPECT_TRUE(refused("subject=example\n" + good));
  EXPECT_TRUE(refused(good.substr(0, good.size() - 4)));
  EXPECT_TRUE(refused(good.substr(0, 60)));
  EXPECT_TRUE(refused("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"));
  EXPECT_TRUE(refused("-----BEGIN CERTIFICATE-----\nAAA*\n-----END CERTIFICATE-----\n"));
  EXPECT_TRUE(refused("-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n"));
  EXPECT_TRUE(refused("-----BEGIN CERTIFICATE-----\nA===\n-----END CERTIFICATE-----\n"));
  EXPECT_TRUE(refused("-----BEGIN CERTIFICATE-----\nAA==\nAAAA\n-----END CERTIFICATE-----\n"));
  EXPECT_TRUE(refused("-----BEGIN CERTIFICATE-----\nAAAA\nAAAA\n-----END CERTIFICATE-----\n")) << "a short line inside";
  EXPECT_TRUE(refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END OTHER-----\n"));
  EXPECT_TRUE(
      refused("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n"));
  std::string nine;
  for (int i = 0; i < 9; ++i) nine += good;
  EXPECT_TRUE(refused(nine));
}

// What is decoded here is what OpenSSL decodes, whatever happens to the text.
TEST(PemBlock, AgreesWithOpenSslOnDamagedTexts) {
  std::mt19937 random(20260301);  // NOLINT(cert-msc51-cpp): the same texts each time
  const std::string charset = "A=-\n\r Zz+/*9\t";
  int strict = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = block("CERTIFICATE", 1 + random() % 120);
    for (unsigned damage = random() % 3; damage > 0; --damage) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0)
        text[at] = charset[random() % charset.size()];
      else
        text.insert(at, 1, charset[random() % charset.size()]);
    }
    const auto blocks = strict_blocks(text, 8);
    if (!blocks || blocks->empty()) continue;
    ++strict;
    const base::BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    char *name = nullptr, *header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    ASSERT_EQ(PEM_read_bio(bio.get(), &name, &header, &data, &size), 1) << text;
    EXPECT_EQ(blocks->front().label, name);
    EXPECT_EQ(blocks->front().bytes, SecretBytes(data, data + size)) << text;
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
  EXPECT_GT(strict, 5'000);
}

TEST(PemBlock, ReadsBlocksOfEveryLengthWithEitherEndOfLine) {
  for (std::size_t size = 1; size < 200; ++size) {
    std::string text = block("CERTIFICATE", size) + "\n" + block("PRIVATE KEY", size);
    std::string with_returns;
    for (const char c : text) with_returns += c == '\n' ? std::string("\r\n") : std::string(1, c);
    for (const std::string& one : {text, with_returns}) {
      const auto blocks = strict_blocks(one, 2);
      ASSERT_TRUE(blocks) << size;
      ASSERT_EQ(blocks->size(), 2U);
      EXPECT_EQ((*blocks)[1].label, "PRIVATE KEY");
      ASSERT_EQ((*blocks)[1].bytes.size(), size);
      EXPECT_EQ((*blocks)[0].bytes.back(), static_cast<std::uint8_t>((size - 1) * 7 + size));
    }
  }
}

}  // namespace
}  // namespace certstore
