// What the process says when it ends. Scripts rely on it.
#pragma once

namespace app {

enum class ExitCode : int {
  done = 0,
  no = 1,           // the answer is no: invalid configuration, cannot listen, not ready
  usage = 2,        // wrong words on the command line
  unreachable = 3,  // could not reach what was asked
};

}  // namespace app
