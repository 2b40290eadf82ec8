#include "proxy/log_descriptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <string>

namespace proxy {

LogDescriptor::LogDescriptor(int descriptor) : descriptor_(descriptor) {
  struct stat about{};
  if (::fstat(descriptor, &about) != 0) return;
  if (S_ISREG(about.st_mode)) {
    kind_ = Kind::file;
  } else if (S_ISSOCK(about.st_mode)) {
    kind_ = Kind::socket;
  } else {
    // O_NONBLOCK belongs to the opening, not to the descriptor: set on ours, it would hit everybody who inherited it.
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    own_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (own_ >= 0) kind_ = Kind::own;
  }
}

LogDescriptor::~LogDescriptor() {
  if (own_ >= 0) ::close(own_);
}

std::size_t LogDescriptor::write(std::string_view first, std::string_view second) noexcept {
  std::array<iovec, 2> pieces{iovec{const_cast<char*>(first.data()), first.size()},
                              iovec{const_cast<char*>(second.data()), second.size()}};
  ssize_t taken = 0;
  if (kind_ == Kind::socket) {
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    taken = ::sendmsg(descriptor_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } else if (kind_ == Kind::pipe) {
    // A pipe that could not be opened again: what poll() says is writable takes PIPE_BUF bytes without waiting
    // (pipe(7)).
    pollfd ready{descriptor_, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return 0;
    taken = ::write(descriptor_, first.data(), std::min<std::size_t>(first.size(), PIPE_BUF));
  } else {
    taken = ::writev(native(), pieces.data(), pieces.size());
  }
  return taken > 0 ? static_cast<std::size_t>(taken) : 0;
}

}  // namespace proxy
