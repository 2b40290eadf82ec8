#include "certstore/certificate_files.h"

#include <gtest/gtest.h>

#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace certstore {
namespace {

using Names = std::vector<std::string>;

// As `openssl req -x509 -addext subjectAltName=...` makes them.
test::Minted authority_and_server() {
  test::Minted minted = test::self_signed({.names = {"www.example.com"}});
  const base::X509ExtensionPtr constraints(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE"));
  X509_add_ext(minted.certificate.get(), constraints.get(), -1);
  X509_sign(minted.certificate.get(), minted.key.get(), EVP_sha256());
  return minted;
}

TEST(NamesInPemFile, AreNoneWhereNothingCanBeRead) {
  const test::ScratchFolder folder;
  folder.write("rubbish.crt", "-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n");
  folder.write("ca.crt", test::Authority("Root").pem());
  for (const char* file : {"gone.crt", "rubbish.crt", "ca.crt", ""}) {
    EXPECT_EQ(names_in_pem_file(folder / file), Names()) << file;
  }
}

TEST(NamesInPemFile, AreThoseOfTheLeafWhateverElseIsWrong) {
  const test::ScratchFolder folder;
  const test::Authority authority = test::Authority("Root").intermediate("Middle");
  const test::Minted minted = authority.issue({.names = {"www.example.com", "192.0.2.1"}});
  folder.write("backwards.crt", authority.pem() + minted.certificate_pem());
  folder.write("damaged.crt", minted.certificate_pem() + "-----BEGIN CERTIFICATE-----\nnothing\n");
  folder.write("openssl.crt", authority_and_server().certificate_pem());
  EXPECT_EQ(names_in_pem_file(folder / "backwards.crt"), (Names{"www.example.com", "192.0.2.1"}));
  EXPECT_EQ(names_in_pem_file(folder / "damaged.crt"), (Names{"www.example.com", "192.0.2.1"}));
  EXPECT_EQ(names_in_pem_file(folder / "openssl.crt"), Names{"www.example.com"});
}

TEST(KindOfPem, IsALeafWhereAnAuthorityIsAServerToo) {
  const test::Minted minted = authority_and_server();
  EXPECT_EQ(kind_of_pem(minted.certificate_pem()), PemKind::leaf_without_key);
  EXPECT_EQ(kind_of_pem(minted.certificate_pem() + minted.key_pem()), PemKind::leaf_with_key);
  EXPECT_EQ(kind_of_pem(test::Authority("Root").pem()), PemKind::authorities);
}

}  // namespace
}  // namespace certstore
