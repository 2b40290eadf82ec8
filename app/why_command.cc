// sekisho why HOST: every cause behind what a host shows.
#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/http_url.h"

#include "app/admin_client.h"
#include "app/change_command.h"
#include "app/commands.h"
#include "app/exit_code.h"
#include "app/table.h"
#include "base/json.h"

namespace app {
namespace {

using Json = nlohmann::ordered_json;

struct Words {
  std::string host;
  std::string admin = default_admin_address().to_string();
  std::string output = "text";
};

const char* colour_of(const std::string& tone) {
  if (tone == "bad") return "\x1b[31m";
  if (tone == "good") return "\x1b[32m";
  return "";
}

// The way from the Ingress to what is served, in a cluster.
void print_chain(const Json& links) {
  const bool colour = colour_of_standard_output() == Colour::on;
  for (const Json& link : links) {
    const auto state = link["state"].get<std::string>();
    const char* const begin = colour ? colour_of(state) : "";
    const auto object = link["object"].get<std::string>();
    fmt::print("{}{}{}: {}{}: {}{}\n", link["what"].get<std::string>(), object.empty() ? "" : " ", object, begin, state,
               link["text"].get<std::string>(), *begin != '\0' ? "\x1b[0m" : "");
    if (const auto next = link["next"].get<std::string>(); !next.empty()) fmt::print("  to do: {}\n", next);
  }
}

void print(const Json& why) {
  const bool colour = colour_of_standard_output() == Colour::on;
  for (const Json& cause : why["causes"]) {
    const auto tone = cause["tone"].get<std::string>();
    const char* const begin = colour ? colour_of(tone) : "";
    fmt::print("{:{}}{}: {}{}{}\n", "", 2 * cause["level"].get<int>(), cause["what"].get<std::string>(), begin,
               cause["text"].get<std::string>(), *begin != '\0' ? "\x1b[0m" : "");
  }
  if (why.contains("chain")) print_chain(why["chain"]);
}

// In a cluster the API is asked besides. That it does not answer is one of the causes.
void add_chain(const Words& words, Json& why) {
  if (!why.value("cluster", false)) return;
  const auto chain = ask_admin_patiently(words.admin, "/api/chain?host=" + base::percent_encoded(words.host),
                                         std::chrono::seconds(20));
  if (chain && chain->contains("links")) {
    why["chain"] = (*chain)["links"];
    return;
  }
  why["chain"] = Json::array({{{"what", "api"},
                               {"object", ""},
                               {"state", "unknown"},
                               {"text", chain ? "the answer holds nothing" : chain.error().what},
                               {"next", "sekisho doctor"}}});
}

ExitCode explain(const Words& words) {
  auto why = ask_admin(words.admin, "/api/why?host=" + base::percent_encoded(words.host));
  if (!why) {
    fmt::print(stderr, "sekisho why: {}\n", why.error().what);
    return ExitCode::unreachable;
  }
  if (why->contains("error")) {
    fmt::print(stderr, "sekisho why: {}: {}\n", words.host, why->value("error", ""));
    return ExitCode::usage;
  }
  add_chain(words, *why);
  try {
    if (words.output == "json") {
      fmt::print("{}\n", base::json_lines(*why));
    } else {
      print(*why);
    }
    return (*why)["good"].get<bool>() ? ExitCode::done : ExitCode::no;
  } catch (const nlohmann::json::exception& error) {
    fmt::print(stderr, "sekisho why: {} answers what this version does not understand: {}\n", words.admin,
               error.what());
    return ExitCode::unreachable;
  }
}

}  // namespace

void add_why_command(CLI::App& app, Command& chosen) {
  CLI::App* const command =
      app.add_subcommand("why", "Every cause behind what a host shows; exit code 1 if it is no good certificate");
  const auto words = std::make_shared<Words>();
  command->add_option("HOST", words->host, "The host, as a client asks for it")->required();
  command->add_option("--admin", words->admin, "The admin address of the instance to ask")
      ->type_name("ADDR")
      ->check(admin_address_fault)
      ->capture_default_str();
  command->add_option("--output,-o", words->output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->footer("Example:\n  sekisho why www.example.com");
  command->callback([&chosen, words] { chosen = [words] { return explain(*words); }; });
}

}  // namespace app
