// Diagnostic: one thing that is wrong in a configuration, and where.
#pragma once

#include <string>
#include <vector>

namespace config {

struct Diagnostic {
  std::string file;
  unsigned line = 0;    // from 1; 0: the file as a whole
  unsigned column = 0;  // from 1
  std::string found;
  std::string expected;
  // "sekisho.yaml:4:3: found key `tsl`, expected one of address, tls (did you mean `tls`?)"
  [[nodiscard]] std::string to_string() const;
};

using Diagnostics = std::vector<Diagnostic>;

}  // namespace config
