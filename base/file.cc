#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace base {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int value() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

Result<void> write_all(int descriptor, std::string_view content, const std::string& name) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(name, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(descriptor) != 0) return fail_errno(name, errno);
  return {};
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return fail_errno(path.string(), errno);
  struct stat status{};
  if (::fstat(file.value(), &status) != 0) return fail_errno(path.string(), errno);
  if (!S_ISREG(status.st_mode)) return fail(Code::invalid, path.string() + ": is not a regular file");
  std::string content;
  // The size is a hint only: the file may be growing. One byte more than the limit tells that it was passed.
  content.resize(std::min<std::size_t>(static_cast<std::size_t>(status.st_size) + 1, limit + 1));
  std::size_t size = 0;
  for (;;) {
    if (size == content.size()) {
      if (size > limit) break;
      content.resize(std::min(limit + 1, size * 2));
    }
    const ssize_t got = ::read(file.value(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(path.string(), errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > limit) {
    return fail(Code::too_large, path.string() + ": is larger than " + std::to_string(limit) + " bytes");
  }
  content.resize(size);
  return content;
}

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  std::string temporary = (path.parent_path() / ("." + path.filename().string() + ".XXXXXX")).string();
  {
    const FileDescriptor file(::mkostemp(temporary.data(), O_CLOEXEC));  // mkostemp makes it 0600
    if (!file) return fail_errno(temporary, errno);
    if (auto written = write_all(file.value(), content, temporary); !written) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error_number = errno;
    ::unlink(temporary.c_str());
    return fail_errno(path.string(), error_number);
  }
  const std::filesystem::path folder_path = path.has_parent_path() ? path.parent_path() : ".";
  const FileDescriptor folder(::open(folder_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) ::fsync(folder.value());
  return {};
}

}  // namespace base
