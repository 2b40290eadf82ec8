#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace base {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  Files() {
    std::string pattern = (fs::temp_directory_path() / "sekisho_file_").string() + std::string(6, 'X');
    folder = ::mkdtemp(pattern.data());
  }
  ~Files() override { fs::remove_all(folder); }
  [[nodiscard]] std::ptrdiff_t count() const {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  }
  fs::path folder;
};

TEST_F(Files, ThatAreMissingAreNotFound) {
  const auto read = read_file(folder / "none");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::not_found);
  EXPECT_EQ(read.error().what, (folder / "none").string() + ": No such file or directory");
}

TEST_F(Files, ThatAreNoRegularFilesAreRefused) {
  EXPECT_EQ(read_file(folder).error().code, Code::invalid);
  // A reader of a pipe that nobody writes to would wait for ever.
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_file(folder / "pipe").error().code, Code::invalid);
}

TEST_F(Files, AreReadUpToTheLimitAndNotBeyond) {
  std::ofstream(folder / "file") << "12345";
  EXPECT_EQ(read_file(folder / "file", 5), "12345");
  EXPECT_EQ(read_file(folder / "file", 4).error().code, Code::too_large);
}

TEST_F(Files, ThatAreEmptyReadAsNothing) {
  std::ofstream(folder / "file").flush();
  EXPECT_EQ(read_file(folder / "file"), "");
  EXPECT_EQ(read_file(folder / "file", 0), "");
}

TEST_F(Files, WhoseSizeIsNotKnownAreReadWhole) {
  // The kernel says 0 for the size of what it makes up on reading.
  const auto read = read_file("/proc/self/status");
  ASSERT_TRUE(read);
  EXPECT_NE(read->find("Name:"), std::string::npos);
  EXPECT_EQ(read_file("/proc/self/status", 10).error().code, Code::too_large);
}

TEST_F(Files, ThatCannotBeWrittenLeaveNothingBehind) {
  EXPECT_EQ(write_file_atomically(folder / "none/file", "x").error().code, Code::not_found);
  fs::create_directory(folder / "taken");
  EXPECT_FALSE(write_file_atomically(folder / "taken", "x"));
  EXPECT_EQ(count(), 1);
}

TEST_F(Files, AreWrittenForTheirOwnerOnly) {
  std::ofstream(folder / "file") << "old";
  fs::permissions(folder / "file", fs::perms(0644));
  ASSERT_TRUE(write_file_atomically(folder / "file", "new"));
  EXPECT_EQ(read_file(folder / "file"), "new");
  EXPECT_EQ(fs::status(folder / "file").permissions(), fs::perms(0600));
  EXPECT_EQ(count(), 1);
}

TEST_F(Files, AreReplacedAndNotOverwritten) {
  std::ofstream(folder / "file") << "old";
  std::ifstream reader(folder / "file");
  ASSERT_TRUE(write_file_atomically(folder / "file", "new"));
  std::string seen;
  reader >> seen;
  EXPECT_EQ(seen, "old");
}

}  // namespace
}  // namespace base
