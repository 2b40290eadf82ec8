#include <sys/resource.h>

#include <cstdio>
#include <exception>

#include "app/commands.h"

namespace {

// It would hold private keys and tokens, and be kept by whoever collects such files.
void forbid_core_files() {
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) std::perror("sekisho: core files cannot be switched off");
}

}  // namespace

int main(int argc, char** argv) {
  forbid_core_files();
  try {
    return static_cast<int>(app::run_command_line(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sekisho: %s\n", error.what());
    return static_cast<int>(app::ExitCode::no);
  }
}
