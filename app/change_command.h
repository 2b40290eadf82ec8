// What renew, revoke, acme and doctor have in common: whom to ask, with which right.
#pragma once

#include <memory>
#include <string>

#include <CLI/App.hpp>
#include <nlohmann/json.hpp>

#include "app/admin_client.h"
#include "base/error.h"

namespace app {

struct ChangeWords {
  std::string admin = default_admin_address().to_string();
  std::string token_file;
};

// --admin and --token-file. The words live as long as the commands.
[[nodiscard]] std::shared_ptr<ChangeWords> add_change_words(CLI::App& command);

// `path` is "/api/..."; names in it are percent-encoded. Blocking.
[[nodiscard]] base::Result<nlohmann::ordered_json> change(const ChangeWords& words, const std::string& path);

}  // namespace app
