#include "base/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/stoppable_wait.h"

namespace base {
namespace {

struct SpawnParts {
  SpawnParts() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnParts() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnParts(const SpawnParts&) = delete;
  SpawnParts& operator=(const SpawnParts&) = delete;
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// A child in a process group of its own. The whole group is killed and the child reaped when this goes.
class Child {
 public:
  explicit Child(pid_t id) : id_(id), descriptor_(static_cast<int>(::syscall(SYS_pidfd_open, id, 0))) {}
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Readable when the child has ended.
  [[nodiscard]] const Descriptor& descriptor() const { return descriptor_; }
  // Kills what is left of the group, and waits for the child. Its id stays taken until then, so that the signal cannot
  // reach a stranger.
  int end() {
    if (id_ > 0) {
      ::kill(-id_, SIGKILL);
      while (::waitpid(id_, &status_, 0) < 0 && errno == EINTR) {
      }
      id_ = -1;
    }
    return status_;
  }

 private:
  pid_t id_;
  Descriptor descriptor_;
  int status_ = 0;
};

Result<pid_t> spawn(const Program& program, int output) {
  std::vector<std::string> arguments = program.arguments;
  std::vector<std::string> environment = program.environment;
  SpawnParts parts;
  ::posix_spawn_file_actions_addopen(&parts.actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&parts.actions, output, 1);
  if (program.errors == Program::Errors::with_output) ::posix_spawn_file_actions_adddup2(&parts.actions, output, 2);
  ::posix_spawn_file_actions_addclosefrom_np(&parts.actions, 3);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&parts.attributes, &none);
  ::posix_spawnattr_setsigdefault(&parts.attributes, &all);
  ::posix_spawnattr_setpgroup(&parts.attributes, 0);
  ::posix_spawnattr_setflags(&parts.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> envp = pointers_to(environment);
  pid_t id = -1;
  const int error_number = ::posix_spawnp(&id, argv[0], &parts.actions, &parts.attributes, argv.data(), envp.data());
  if (error_number != 0) return fail_errno("could not be started", error_number);
  return id;
}

// False when nothing more will come.
bool keep_output(const Descriptor& pipe, std::size_t most, std::string& kept) {
  std::array<char, 4096> block{};
  while (pipe.open()) {
    const ssize_t got = ::read(pipe.number(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0;
    kept.append(block.data(), std::min(static_cast<std::size_t>(got), most - kept.size()));
  }
  return false;
}

ProgramEnd end_of(int status, std::string output) {
  ProgramEnd end;
  end.good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  end.how = WIFEXITED(status) ? fmt::format("exit code {}", WEXITSTATUS(status))
                              : fmt::format("ended by signal {}", WTERMSIG(status));
  end.output = std::move(output);
  return end;
}

}  // namespace

Result<ProgramEnd> run_program(const Program& program, const std::stop_token& stop) {
  if (program.arguments.empty()) return fail(Code::invalid, "no command");
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return fail_errno("pipe", errno);
  Descriptor output(ends[0]);
  Descriptor input(ends[1]);
  // Only our end may be non-blocking: it is the program's standard output.
  ::fcntl(input.number(), F_SETFL, 0);
  const auto id = spawn(program, input.number());
  if (!id) return std::unexpected(id.error());
  Child child(*id);
  input.reset();
  if (!child.descriptor().open()) return fail_errno("pidfd_open", errno);

  StoppableWait wait(std::chrono::steady_clock::now() + program.timeout, stop);
  std::string kept;
  while (true) {
    const auto ended = wait.for_either(child.descriptor().number(), output.number());
    if (!ended) {
      if (ended.error().code != Code::timeout) return std::unexpected(ended.error());
      const std::string so_far = program.errors == Program::Errors::with_output ? ": " + printable_line(kept) : "";
      return fail(Code::timeout, fmt::format("was killed after {} ms{}", program.timeout.count(), so_far),
                  Origin::control, Retry::later);
    }
    // A closed pipe is always ready: it must not be waited for again.
    if (!keep_output(output, program.most_output, kept)) output.reset();
    if (*ended) break;
  }
  return end_of(child.end(), std::move(kept));
}

std::string printable_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace base
