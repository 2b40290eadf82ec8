#include "acme/storage.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/support/scratch_folder.h"

namespace acme {
namespace {

unsigned mode_of(const std::filesystem::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777U : 0;
}

TEST(KeyPart, NeverLetsTwoNamesMeet) {
  const std::vector<std::string> names{"",
                                       "_",
                                       "__",
                                       ".",
                                       "..",
                                       "/",
                                       "../..",
                                       "a/b",
                                       "a.b",
                                       "a_b",
                                       "a:b",
                                       "_none",
                                       "a_x2fb",
                                       "A",
                                       "a",
                                       "_x41",
                                       ":x41",
                                       "*",
                                       "*.",
                                       "_wildcard.example.com",
                                       "*.example.com",
                                       ":wildcard.example.com",
                                       "wildcard.example.com",
                                       "example.com",
                                       "Example.com",
                                       "::1",
                                       "__1",
                                       "2001:db8::1",
                                       "2001_db8__1",
                                       "2001:DB8::1",
                                       "::ffff:192.0.2.1",
                                       "192.0.2.1",
                                       "[::1]",
                                       std::string("a\0b", 3),
                                       std::string(100, 'a'),
                                       std::string(300, 'a'),
                                       std::string(301, 'a'),
                                       std::string(300, 'A'),
                                       std::string(66, 'A'),
                                       std::string(67, 'A'),
                                       "\xc3\xa9"};
  std::set<std::string> parts;
  for (const std::string& name : names) {
    const std::string part = key_part(name);
    EXPECT_TRUE(parts.insert(part).second) << name << " meets another name at " << part;
    EXPECT_LE(part.size(), 200U);
    EXPECT_EQ(part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-"), std::string::npos) << part;
    EXPECT_FALSE(part.empty());
    EXPECT_NE(part.front(), '.') << name;
  }
}

TEST(KeyPart, LeavesOrdinaryNamesReadable) {
  EXPECT_EQ(key_part("www.example.com"), "www.example.com");
  EXPECT_EQ(key_part("xn--bcher-kva.example"), "xn--bcher-kva.example");
  EXPECT_EQ(key_part("*.example.com"), "_wildcard.example.com");
  EXPECT_EQ(key_part("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(key_part("2001:db8::1"), "2001_db8__1");
}

TEST(FolderStorage, RefusesKeysThatLeaveTheFolder) {
  const test::ScratchFolder scratch;
  FolderStorage storage(scratch / "state");
  for (const std::string key :
       {"", "/", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "A/b", "a/.hidden", "a/b/c/d/e"}) {
    EXPECT_EQ(storage.write(key, "x").error().code, base::Code::invalid) << key;
    EXPECT_EQ(storage.read(key).error().code, base::Code::invalid) << key;
    EXPECT_EQ(storage.remove(key).error().code, base::Code::invalid) << key;
    EXPECT_EQ(storage.list(key).error().code, base::Code::invalid) << key;
  }
}

TEST(FolderStorage, SaysWhichFileCannotBeWritten) {
  const test::ScratchFolder scratch;
  scratch.write("state", "a file where the folder should be");
  FolderStorage storage(scratch / "state");
  const auto written = storage.write("accounts/a", "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, base::Code::io);
  EXPECT_NE(written.error().what.find((scratch / "state").string()), std::string::npos);
}

TEST(FolderStorage, HasNothingBeforeSomethingIsWrittenAndAfterItIsRemoved) {
  const test::ScratchFolder scratch;
  FolderStorage storage(scratch / "state");
  EXPECT_EQ(storage.read("accounts/a")->has_value(), false);
  EXPECT_TRUE(storage.list("accounts")->empty());
  EXPECT_TRUE(storage.remove("accounts/a"));
  ASSERT_TRUE(storage.write("accounts/a", "x"));
  EXPECT_EQ(storage.read("accounts/a")->value(), "x");
  EXPECT_TRUE(storage.remove("accounts/a"));
  EXPECT_EQ(storage.read("accounts/a")->has_value(), false);
  EXPECT_TRUE(storage.list("accounts")->empty());
}

TEST(FolderStorage, KeepsSecretsFromOthersInFilesAndFolders) {
  const test::ScratchFolder scratch;
  FolderStorage storage(scratch / "deep/state");
  ASSERT_TRUE(storage.write("certificates/www.example.com/ecdsa.pem", "secret"));
  EXPECT_EQ(mode_of(scratch / "deep/state"), 0700U);
  EXPECT_EQ(mode_of(scratch / "deep/state/certificates"), 0700U);
  EXPECT_EQ(mode_of(scratch / "deep/state/certificates/www.example.com"), 0700U);
  EXPECT_EQ(mode_of(scratch / "deep/state/certificates/www.example.com/ecdsa.pem"), 0600U);
}

TEST(FolderStorage, ListsAllKeysBelowAFolderSortedWithoutWhatIsBeingWritten) {
  const test::ScratchFolder scratch;
  FolderStorage storage(scratch / "state");
  for (const char* key :
       {"certificates/b/rsa.pem", "certificates/b/ecdsa.pem", "certificates/a/ecdsa.pem", "other/x"}) {
    ASSERT_TRUE(storage.write(key, key));
  }
  scratch.write("state/certificates/a/.ecdsa.pem.aB3dE6", "half");
  EXPECT_EQ(
      *storage.list("certificates"),
      (std::vector<std::string>{"certificates/a/ecdsa.pem", "certificates/b/ecdsa.pem", "certificates/b/rsa.pem"}));
  EXPECT_EQ(*storage.list("certificates/b"),
            (std::vector<std::string>{"certificates/b/ecdsa.pem", "certificates/b/rsa.pem"}));
}

TEST(FolderStorage, IsSharedByReadersAndWritersWithoutHalfAnything) {
  const test::ScratchFolder scratch;
  std::atomic<bool> done{false};
  std::atomic<unsigned> torn{0};
  {
    std::jthread reader([&] {
      const FolderStorage storage(scratch / "state");
      while (!done) {
        const auto content = storage.read("a/b");
        if (!content || (*content && **content != std::string(70'000, (**content)[0]))) ++torn;
      }
    });
    FolderStorage storage(scratch / "state");
    for (int i = 0; i < 50; ++i)
      ASSERT_TRUE(storage.write("a/b", std::string(70'000, static_cast<char>('a' + i % 26))));
    done = true;
  }
  EXPECT_EQ(torn, 0U);
}

}  // namespace
}  // namespace acme
