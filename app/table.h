// Table: columns for people. Colour on a terminal only; in a pipe plain text that cut and awk understand.
#pragma once

#include <string>
#include <vector>

namespace app {

enum class Tone { plain, good, bad, dim };
enum class Colour { off, on };

// Colour::on if standard output is a terminal and NO_COLOR is not set.
[[nodiscard]] Colour colour_of_standard_output();

class Table {
 public:
  struct Cell {
    std::string text;
    Tone tone = Tone::plain;
  };

  explicit Table(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string render(Colour colour) const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace app
