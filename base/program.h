// run_program: another program, its output and its end, within a deadline. For what operators bring along: DNS hooks,
// credential plugins. Control plane only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"

namespace base {

struct Program {
  std::vector<std::string> arguments;    // the first is the program: a path, or looked for in PATH
  std::vector<std::string> environment;  // all of it, "NAME=value"
  std::chrono::milliseconds timeout{30'000};
  std::size_t most_output = 4096;  // that is kept; the rest is read and dropped
  enum class Errors : std::uint8_t { with_output, to_our_own } errors = Errors::with_output;
};

struct ProgramEnd {
  bool good = false;   // exit code 0
  std::string how;     // "exit code 1", "ended by signal 9"
  std::string output;  // as it came; the program's
};

// In a process group of its own, without our descriptors, standard input or signals; the whole group is killed when
// this returns. Errors: io (could not be started), timeout, cancelled. Blocking.
[[nodiscard]] Result<ProgramEnd> run_program(const Program& program, const std::stop_token& stop);

// One line for logs: what a program prints must not forge lines of its own or move a terminal's cursor.
[[nodiscard]] std::string printable_line(std::string text);

}  // namespace base
