// What certs, routes, backends and status have in common: where to ask, and in which form to print.
#pragma once

#include <functional>
#include <string>

#include <CLI/App.hpp>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/table.h"

namespace app {

struct TableCommand {
  std::string name;
  std::string description;
  std::string path;  // of the admin endpoint
  std::function<std::string(const nlohmann::ordered_json&, Colour)> render;
  std::function<ExitCode(const nlohmann::ordered_json&)> judge = {};  // empty: always done
  std::string footer = {};
  bool can_watch = false;  // --watch prints it again at each change, until it is interrupted
};

void add_table_command(CLI::App& app, Command& chosen, TableCommand command);

// "a, b" of a list of strings; `otherwise` if it is empty.
[[nodiscard]] std::string joined(const nlohmann::ordered_json& list, std::string otherwise = {});

}  // namespace app
