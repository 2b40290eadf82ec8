// Faults: collects everything that is wrong with one configuration text. Owned by one parse, used by one thread.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"

namespace config {

// A place in the text. Both from 1, columns in bytes; line 0 is the file as a whole.
struct Mark {
  unsigned line = 0;
  unsigned column = 0;
  friend auto operator<=>(const Mark&, const Mark&) = default;
};

class Faults {
 public:
  explicit Faults(std::string file) : file_(std::move(file)) {}
  void add(Mark at, std::string found, std::string expected);
  [[nodiscard]] bool empty() const { return diagnostics_.empty(); }
  // In the order of the text. At most `most` and one that says that there are more.
  [[nodiscard]] Diagnostics take();

  static constexpr std::size_t most = 200;

 private:
  std::string file_;
  Diagnostics diagnostics_;
  std::size_t left_out_ = 0;
};

// `text` between backquotes, on one line and cut to a bounded length. `text` may be attacker controlled.
[[nodiscard]] std::string quote(std::string_view text);

// "a, b, c".
[[nodiscard]] std::string joined(const std::vector<std::string_view>& words);

// The one of `known` that was probably meant, by edit distance; empty if none is near.
[[nodiscard]] std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

// " (did you mean `tls`?)", or nothing.
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace config
