#include "config/watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <set>

namespace config {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::chrono::seconds deadline{20};

// A folder of its own, removed at the end.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "sekisho_watch_").string() + std::string(6, 'X');
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] fs::path operator/(const fs::path& name) const { return path_ / name; }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void write(const fs::path& path, const std::string& content) {
  std::ofstream(path) << content;
}

// What the watch has reported, to wait for.
class Reports {
 public:
  void add(const std::vector<fs::path>& paths) {
    const std::lock_guard lock(mutex_);
    seen_.insert(paths.begin(), paths.end());
    all_.insert(paths.begin(), paths.end());
    ++count_;
    changed_.notify_all();
  }
  [[nodiscard]] bool wait_for(const fs::path& path) {
    std::unique_lock lock(mutex_);
    const bool seen = changed_.wait_for(lock, deadline, [&] { return seen_.contains(path); });
    seen_.clear();
    return seen;
  }
  [[nodiscard]] bool saw(const fs::path& path) {
    const std::lock_guard lock(mutex_);
    return seen_.contains(path);
  }
  [[nodiscard]] bool ever_saw(const fs::path& path) {
    const std::lock_guard lock(mutex_);
    return all_.contains(path);
  }
  [[nodiscard]] int count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<fs::path> seen_;  // since the last wait
  std::set<fs::path> all_;
  int count_ = 0;
};

// By events alone the poll is too slow to help, by polling alone there are no events: each has to do it by itself.
FileWatch::Options events_only() {
  FileWatch::Options options;
  options.settle = milliseconds(20);
  options.poll = std::chrono::hours(1);
  return options;
}

FileWatch::Options poll_only() {
  FileWatch::Options options;
  options.notify = FileWatch::Notify::poll_only;
  options.settle = milliseconds(5);
  options.poll = milliseconds(20);
  return options;
}

class Watching : public testing::TestWithParam<FileWatch::Options> {
 protected:
  FileWatch watch(std::vector<fs::path> paths) {
    return FileWatch(
        std::move(paths), [this](const std::vector<fs::path>& changed) { reports.add(changed); }, GetParam());
  }
  Reports reports;
  Folder folder;
};

INSTANTIATE_TEST_SUITE_P(By, Watching, testing::Values(events_only(), poll_only()),
                         [](const auto& which) { return which.index == 0 ? "Events" : "Polling"; });

TEST_P(Watching, SeesAFileRewritten) {
  write(folder / "app.crt", "one");
  const FileWatch watching = watch({folder / "app.crt"});
  write(folder / "app.crt", "two, longer");
  EXPECT_TRUE(reports.wait_for(folder / "app.crt"));
}

TEST_P(Watching, SeesAFileRenamedOver) {
  write(folder / "app.crt", "one");
  const FileWatch watching = watch({folder / "app.crt"});
  for (int i = 0; i < 3; ++i) {
    write(folder / "new", "two");
    fs::rename(folder / "new", folder / "app.crt");
    EXPECT_TRUE(reports.wait_for(folder / "app.crt"));
  }
}

// Kubernetes and CSI mounts: tls.crt -> ..data/tls.crt, ..data -> ..2026_01_01, and the second link is renamed over.
TEST_P(Watching, SeesTheSwapOfAKubernetesMount) {
  fs::create_directory(folder / "..1");
  write(folder / "..1/tls.crt", "one");
  fs::create_directory_symlink("..1", folder / "..data");
  fs::create_symlink("..data/tls.crt", folder / "tls.crt");
  const FileWatch watching = watch({folder / "tls.crt", folder.path()});
  for (const std::string next : {"..2", "..3"}) {
    fs::create_directory(folder / next);
    write(folder / next / "tls.crt", "more");
    fs::create_directory_symlink(next, folder / "..data_tmp");
    fs::rename(folder / "..data_tmp", folder / "..data");
    EXPECT_TRUE(reports.wait_for(folder / "tls.crt"));
  }
}

TEST_P(Watching, SeesTheSwapOfAWatchedFolder) {
  fs::create_directory(folder / "..1");
  write(folder / "..1/tls.crt", "one");
  fs::create_directory_symlink("..1", folder / "..data");
  fs::create_symlink("..data/tls.crt", folder / "tls.crt");
  const FileWatch watching = watch({folder.path()});
  fs::create_directory(folder / "..2");
  write(folder / "..2/tls.crt", "two");
  fs::create_directory_symlink("..2", folder / "..data_tmp");
  fs::rename(folder / "..data_tmp", folder / "..data");
  EXPECT_TRUE(reports.wait_for(folder.path()));
}

TEST_P(Watching, SeesAFileThatAppearsLater) {
  const FileWatch watching = watch({folder / "a/b/app.crt"});
  fs::create_directories(folder / "a/b");
  write(folder / "a/b/app.crt", "one");
  EXPECT_TRUE(reports.wait_for(folder / "a/b/app.crt"));
  write(folder / "a/b/app.crt", "two, longer");
  EXPECT_TRUE(reports.wait_for(folder / "a/b/app.crt"));
}

TEST_P(Watching, SeesAFileInAFolderThatWasDeletedAndMadeAgain) {
  fs::create_directory(folder / "a");
  write(folder / "a/app.crt", "one");
  const FileWatch watching = watch({folder / "a/app.crt"});
  fs::remove_all(folder / "a");
  EXPECT_TRUE(reports.wait_for(folder / "a/app.crt"));
  fs::create_directory(folder / "a");
  write(folder / "a/app.crt", "two");
  EXPECT_TRUE(reports.wait_for(folder / "a/app.crt"));
}

TEST_P(Watching, SeesANewFileInAFolder) {
  const FileWatch watching = watch({folder.path()});
  write(folder / "new.pem", "one");
  EXPECT_TRUE(reports.wait_for(folder.path()));
  fs::remove(folder / "new.pem");
  EXPECT_TRUE(reports.wait_for(folder.path()));
}

TEST_P(Watching, SeesAFileInAFolderBelow) {
  fs::create_directory(folder / "below");
  const FileWatch watching = watch({folder.path()});
  write(folder / "below/new.pem", "one");
  EXPECT_TRUE(reports.wait_for(folder.path()));
}

TEST_P(Watching, SeesTheTargetOfALinkRewritten) {
  fs::create_directory(folder / "real");
  fs::create_directory(folder / "links");
  write(folder / "real/app.crt", "one");
  fs::create_symlink(folder / "real/app.crt", folder / "links/app.crt");
  const FileWatch watching = watch({folder / "links"});
  write(folder / "real/app.crt", "two, longer");
  EXPECT_TRUE(reports.wait_for(folder / "links"));
}

TEST_P(Watching, FollowsTheNewPaths) {
  write(folder / "one", "1");
  write(folder / "two", "1");
  FileWatch watching = watch({folder / "one"});
  watching.set_paths({folder / "two"});
  write(folder / "two", "two, longer");
  EXPECT_TRUE(reports.wait_for(folder / "two"));
  write(folder / "one", "one, longer");
  write(folder / "two", "three, even longer");
  EXPECT_TRUE(reports.wait_for(folder / "two"));
  EXPECT_FALSE(reports.saw(folder / "one"));
}

TEST_P(Watching, LetsTheCallbackChangeThePaths) {
  write(folder / "one", "1");
  FileWatch* self = nullptr;
  std::mutex mutex;
  FileWatch watching(
      {folder / "one"},
      [&](const std::vector<fs::path>& changed) {
        const std::lock_guard lock(mutex);
        if (std::ranges::find(changed, folder / "one") != changed.end()) self->set_paths({folder / "two"});
        reports.add(changed);
      },
      GetParam());
  {
    const std::lock_guard lock(mutex);
    self = &watching;
  }
  write(folder / "one", "one, longer");
  EXPECT_TRUE(reports.wait_for(folder / "one"));
  write(folder / "two", "new");
  EXPECT_TRUE(reports.wait_for(folder / "two"));
}

TEST(FileWatch, LeavesOtherFilesOfTheFolderAlone) {
  const Folder folder;
  Reports reports;
  write(folder / "app.crt", "one");
  const FileWatch watching(
      {folder / "app.crt", folder / "last"}, [&](const std::vector<fs::path>& changed) { reports.add(changed); },
      events_only());
  write(folder / "other", "one");
  write(folder / "last", "one");  // events come in order: when this is reported, `other` has been looked at
  EXPECT_TRUE(reports.wait_for(folder / "last"));
  EXPECT_FALSE(reports.saw(folder / "app.crt"));
  EXPECT_EQ(reports.count(), 1);
}

class NamingFiles : public testing::Test {
 protected:
  static FileWatch::Options by_name() {
    FileWatch::Options options = events_only();
    options.detail = FileWatch::Detail::files;
    return options;
  }
  FileWatch watch(const FileWatch::Options& options) {
    return FileWatch({folder.path()}, [this](const std::vector<fs::path>& changed) { reports.add(changed); }, options);
  }
  Reports reports;
  Folder folder;
};

TEST_F(NamingFiles, NamesTheFileAndNotTheFolder) {
  write(folder / "a.crt", "one");
  write(folder / "b.crt", "one");
  const FileWatch watching = watch(by_name());
  write(folder / "a.crt", "two, longer");
  EXPECT_TRUE(reports.wait_for(folder / "a.crt"));
  write(folder / "new", "three");
  fs::rename(folder / "new", folder / "b.crt");
  EXPECT_TRUE(reports.wait_for(folder / "b.crt"));
  fs::remove(folder / "b.crt");
  EXPECT_TRUE(reports.wait_for(folder / "b.crt"));
  EXPECT_FALSE(reports.ever_saw(folder.path()));
  EXPECT_FALSE(reports.ever_saw(folder / "c.crt"));
}

TEST_F(NamingFiles, NamesTheFolderForALinkAndForWhatALinkLeadsTo) {
  write(folder / "a.crt", "one");
  const FileWatch watching = watch(by_name());
  fs::create_symlink("a.crt", folder / "link.crt");
  EXPECT_TRUE(reports.wait_for(folder.path()));
  write(folder / "a.crt", "two, longer");
  EXPECT_TRUE(reports.wait_for(folder.path())) << "link.crt has changed as well";
}

TEST_F(NamingFiles, NamesTheFolderForAFileWithASecondName) {
  write(folder / "a.crt", "one");
  const FileWatch watching = watch(by_name());
  fs::create_hard_link(folder / "a.crt", folder / "b.crt");
  EXPECT_TRUE(reports.wait_for(folder.path()));
  write(folder / "b.crt", "two, longer");
  EXPECT_TRUE(reports.wait_for(folder.path()));
}

TEST_F(NamingFiles, NamesTheFolderWhenAnotherTakesItsPlace) {
  fs::create_directory(folder / "certs");
  write(folder / "certs/a.crt", "one");
  const FileWatch watching(
      {folder / "certs"}, [this](const std::vector<fs::path>& changed) { reports.add(changed); }, by_name());
  fs::rename(folder / "certs", folder / "aside");
  fs::create_directory(folder / "certs");
  EXPECT_TRUE(reports.wait_for(folder / "certs"));
  write(folder / "certs/a.crt", "one");
  EXPECT_TRUE(reports.wait_for(folder / "certs/a.crt"));
}

TEST_F(NamingFiles, LooksAtTheWholeFolderNowAndThen) {
  write(folder / "a.crt", "one");
  FileWatch::Options options = by_name();
  options.poll = options.thorough = milliseconds(20);
  const FileWatch watching = watch(options);
  write(folder / "a.crt", "two, longer");
  EXPECT_TRUE(reports.wait_for(folder.path()));
}

// The watch knows the folder by its path, and a folder above it was exchanged.
TEST_F(NamingFiles, SeesByThePollThatAFolderAboveWasExchanged) {
  fs::create_directories(folder / "above/between/certs");
  write(folder / "above/between/certs/a.crt", "one");
  fs::create_directories(folder / "new/between/certs");
  write(folder / "new/between/certs/a.crt", "two");
  FileWatch::Options options = by_name();
  options.poll = milliseconds(20);
  const FileWatch watching(
      {folder / "above/between/certs"}, [this](const std::vector<fs::path>& changed) { reports.add(changed); },
      options);
  fs::rename(folder / "above", folder / "aside");
  fs::rename(folder / "new", folder / "above");
  EXPECT_TRUE(reports.wait_for(folder / "above/between/certs"));
}

TEST(FileWatch, ReportsAFileThatNeverSettles) {
  const Folder folder;
  Reports reports;
  write(folder / "log", "one");
  FileWatch::Options options = events_only();
  options.settle = std::chrono::minutes(10);
  options.longest = milliseconds(50);
  const FileWatch watching(
      {folder / "log"}, [&](const std::vector<fs::path>& changed) { reports.add(changed); }, options);
  write(folder / "log", "two");
  EXPECT_TRUE(reports.wait_for(folder / "log"));
}

TEST(FileWatch, StopsAtOnceWhileAChangeSettles) {
  const Folder folder;
  Reports reports;
  write(folder / "log", "one");
  FileWatch::Options options = events_only();
  options.settle = std::chrono::minutes(10);
  options.longest = std::chrono::minutes(10);
  {
    const FileWatch watching(
        {folder / "log"}, [&](const std::vector<fs::path>& changed) { reports.add(changed); }, options);
    write(folder / "log", "two");
  }
  EXPECT_EQ(reports.count(), 0);
}

TEST(FileWatch, EndsOnALinkToItself) {
  const Folder folder;
  Reports reports;
  fs::create_symlink("loop", folder / "loop");
  const FileWatch watching(
      {folder / "loop"}, [&](const std::vector<fs::path>& changed) { reports.add(changed); }, events_only());
  fs::remove(folder / "loop");
  write(folder / "loop", "one");
  EXPECT_TRUE(reports.wait_for(folder / "loop"));
}

}  // namespace
}  // namespace config
