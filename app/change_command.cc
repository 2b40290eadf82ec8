#include "app/change_command.h"

#include <utility>

#include <CLI/CLI.hpp>

#include "base/ascii.h"
#include "base/file.h"

namespace app {

std::shared_ptr<ChangeWords> add_change_words(CLI::App& command) {
  auto words = std::make_shared<ChangeWords>();
  command.add_option("--admin", words->admin, "The admin address of the instance to ask")
      ->type_name("ADDR")
      ->check(admin_address_fault)
      ->capture_default_str();
  command.add_option("--token-file", words->token_file, "A file with the admin token, where one is needed")
      ->type_name("FILE");
  return words;
}

base::Result<nlohmann::ordered_json> change(const ChangeWords& words, const std::string& path) {
  AdminChange wanted{.path = path, .token = {}};
  if (!words.token_file.empty()) {
    auto token = base::read_file(words.token_file, 4096);
    if (!token) return std::unexpected(std::move(token.error()));
    wanted.token = base::trimmed_end(*token);
  }
  return change_by_admin(words.admin, wanted);
}

}  // namespace app
