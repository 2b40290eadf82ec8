#include "config/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace config {
namespace {

constexpr std::size_t longest_quotation = 80;
constexpr std::size_t longest_key = 64;

// Optimal string alignment: insert, delete, replace, or swap of two neighbours, each counting one.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

void Faults::add(Mark at, std::string found, std::string expected) {
  if (diagnostics_.size() >= most) {
    ++left_out_;
    return;
  }
  diagnostics_.push_back({file_, at.line, at.column, std::move(found), std::move(expected)});
}

Diagnostics Faults::take() {
  std::ranges::stable_sort(diagnostics_, {}, [](const Diagnostic& fault) { return Mark{fault.line, fault.column}; });
  if (left_out_ > 0) diagnostics_.push_back({file_, 0, 0, fmt::format("{} more faults", left_out_), "none"});
  left_out_ = 0;
  return std::exchange(diagnostics_, {});
}

std::string quote(std::string_view text) {
  std::string result = "`";
  for (const char c : text.substr(0, longest_quotation)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  if (text.size() > longest_quotation) {
    // Do not leave half a UTF-8 sequence at the cut.
    while (result.size() > 1 && (static_cast<unsigned char>(result.back()) & 0xc0U) == 0x80U) result.pop_back();
    if (static_cast<unsigned char>(result.back()) >= 0xc0U) result.pop_back();
    result += "...";
  }
  return result + "`";
}

std::string joined(const std::vector<std::string_view>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  if (word.empty() || word.size() > longest_key) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    if (candidate.empty() || candidate.size() > longest_key) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string_view meant = nearest(word, known);
  return meant.empty() ? std::string() : fmt::format(" (did you mean `{}`?)", meant);
}

}  // namespace config
