#include "kube/certificate_storage.h"

#include <gtest/gtest.h>

#include <future>

#include "kube/secret_storage.h"
#include "tests/kube/object_server.h"

namespace kube {
namespace {

using Keys = std::vector<std::string>;

TEST(CertificateStorage, AnswersFromWhatWasSeenOnlyTheThreadThatSawItAndOnlyWholeFolders) {
  test::ObjectServer server;
  Client client(server.access());
  SecretStorage records(client, "edge");
  CertificateStorage storage(client, records, nullptr);
  ASSERT_TRUE(storage.write("revoked/there.json", "x"));
  ASSERT_TRUE(storage.write("other/there.json", "x"));
  storage.read_from(std::make_shared<const CertificateStorage::Seen>(CertificateStorage::Seen{
      .records = {{"revoked-not/x", ""}, {"revoked/seen.json", "y"}, {"revokee/x", ""}}, .folders = {"revoked"}}));
  EXPECT_EQ(storage.list("revoked").value(), Keys{"revoked/seen.json"});
  EXPECT_EQ(storage.read("revoked/seen.json").value(), "y");
  EXPECT_EQ(storage.read("revoked/there.json").value(), std::nullopt);
  EXPECT_EQ(storage.list("other").value(), Keys{"other/there.json"});
  EXPECT_EQ(std::async(std::launch::async, [&] { return storage.list("revoked").value(); }).get(),
            Keys{"revoked/there.json"});
  storage.read_from(nullptr);
  EXPECT_EQ(storage.list("revoked").value(), Keys{"revoked/there.json"});
}

}  // namespace
}  // namespace kube
