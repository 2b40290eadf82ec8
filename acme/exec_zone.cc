// The DnsZone that is a program of the operator's.
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "acme/dns_zone.h"
#include "base/descriptor.h"
#include "base/stoppable_wait.h"

namespace acme {
namespace {

constexpr std::size_t most_output = 4096;  // that is kept; the rest is read and dropped

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

// Of our own environment only what a program needs to find its parts and speak its language: the rest may hold secrets.
std::vector<std::string> environment_for(const std::vector<std::string>& arguments, std::chrono::seconds ttl) {
  std::vector<std::string> environment;
  for (const char* name : {"PATH", "HOME", "LANG", "TZ", "TMPDIR"}) {
    if (const char* value = std::getenv(name)) environment.push_back(fmt::format("{}={}", name, value));
  }
  const std::size_t count = arguments.size();
  environment.push_back("SEKISHO_DNS_ACTION=" + arguments[count - 3]);
  environment.push_back("SEKISHO_DNS_NAME=" + arguments[count - 2]);
  environment.push_back("SEKISHO_DNS_VALUE=" + arguments[count - 1]);
  environment.push_back(fmt::format("SEKISHO_DNS_TTL={}", ttl.count()));
  return environment;
}

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
  [[nodiscard]] const base::Descriptor& descriptor() const { return descriptor_; }
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
  base::Descriptor descriptor_;
  int status_ = 0;
};

base::Result<pid_t> spawn(std::vector<std::string> arguments, std::vector<std::string> environment, int output) {
  SpawnParts parts;
  ::posix_spawn_file_actions_addopen(&parts.actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&parts.actions, output, 1);
  ::posix_spawn_file_actions_adddup2(&parts.actions, output, 2);
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
  if (error_number != 0) return base::fail_errno("could not be started", error_number);
  return id;
}

// False when nothing more will come.
bool keep_output(const base::Descriptor& pipe, std::string& kept) {
  std::array<char, 4096> block{};
  while (pipe.open()) {
    const ssize_t got = ::read(pipe.number(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0;
    kept.append(block.data(), std::min(static_cast<std::size_t>(got), most_output - kept.size()));
  }
  return false;
}

// One line for logs: what a program prints must not forge lines of its own or move a terminal's cursor.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

base::Result<void> judge(int status, const std::string& output) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const std::string how = WIFEXITED(status) ? fmt::format("exit code {}", WEXITSTATUS(status))
                                            : fmt::format("ended by signal {}", WTERMSIG(status));
  return base::fail(base::Code::refused, output.empty() ? how : fmt::format("{}: {}", how, printable(output)),
                    base::Origin::control, base::Retry::later);
}

base::Result<void> run(const std::vector<std::string>& arguments, std::chrono::seconds ttl,
                       std::chrono::milliseconds timeout, const std::stop_token& stop) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return base::fail_errno("pipe", errno);
  base::Descriptor output(ends[0]);
  base::Descriptor input(ends[1]);
  // Only our end may be non-blocking: it is the program's standard output.
  ::fcntl(input.number(), F_SETFL, 0);
  const auto id = spawn(arguments, environment_for(arguments, ttl), input.number());
  if (!id) return std::unexpected(id.error());
  Child child(*id);
  input.reset();
  if (!child.descriptor().open()) return base::fail_errno("pidfd_open", errno);

  base::StoppableWait wait(std::chrono::steady_clock::now() + timeout, stop);
  std::string kept;
  while (true) {
    const auto ended = wait.for_either(child.descriptor().number(), output.number());
    if (!ended) {
      if (ended.error().code != base::Code::timeout) return std::unexpected(ended.error());
      return base::fail(base::Code::timeout,
                        fmt::format("was killed after {} ms: {}", timeout.count(), printable(kept)),
                        base::Origin::control, base::Retry::later);
    }
    // A closed pipe is always ready: it must not be waited for again.
    if (!keep_output(output, kept)) output.reset();
    if (*ended) break;
  }
  return judge(child.end(), kept);
}

class ExecZone final : public DnsZone {
 public:
  explicit ExecZone(config::DnsExec config) : config_(std::move(config)) {}

  base::Result<void> add(const std::string& owner, const std::string& value, std::chrono::seconds ttl,
                         std::stop_token stop) override {
    return call("add", owner, value, ttl, stop);
  }
  base::Result<void> remove(const std::string& owner, const std::string& value, std::stop_token stop) override {
    return call("remove", owner, value, std::chrono::seconds(0), stop);
  }

 private:
  base::Result<void> call(std::string_view action, const std::string& owner, const std::string& value,
                          std::chrono::seconds ttl, const std::stop_token& stop) const {
    if (config_.command.empty()) return base::fail(base::Code::invalid, "dns exec: no command");
    std::vector<std::string> arguments = config_.command;
    arguments.insert(arguments.end(), {std::string(action), owner, value});
    auto done = run(arguments, ttl, config_.timeout, stop);
    if (done) return done;
    return std::unexpected(std::move(done).error().in(fmt::format("{} {} {}", config_.command.front(), action, owner)));
  }
  config::DnsExec config_;
};

}  // namespace

std::shared_ptr<DnsZone> make_exec_zone(const config::DnsExec& config) {
  return std::make_shared<ExecZone>(config);
}

}  // namespace acme
