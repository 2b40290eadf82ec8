#include <cstdio>
#include <exception>

#include "app/commands.h"

int main(int argc, char** argv) {
  try {
    return static_cast<int>(app::run_command_line(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sekisho: %s\n", error.what());
    return static_cast<int>(app::ExitCode::no);
  }
}
