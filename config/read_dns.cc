#include "config/sections.h"

namespace config {
namespace {

using std::chrono::hours;

constexpr Range<milliseconds> solver_waits{seconds(1), hours(1)};
constexpr Range<milliseconds> delays{milliseconds(0), hours(1)};
constexpr Range<milliseconds> lives{seconds(1), hours(24)};
constexpr std::size_t most_arguments = 64;

const Words<std::string> key_algorithms{{"hmac-sha224", "hmac-sha224"},
                                        {"hmac-sha256", "hmac-sha256"},
                                        {"hmac-sha384", "hmac-sha384"},
                                        {"hmac-sha512", "hmac-sha512"}};
const Words<DnsPropagation::Check> checks{{"authoritative", DnsPropagation::Check::authoritative},
                                          {"none", DnsPropagation::Check::none}};

Rfc2136 read_rfc2136(const Value& value) {
  const Mapping map(value, keys::rfc2136);
  Rfc2136 update;
  if (map.require("server")) update.server = map.parsed("server", parse_dns_server);
  update.zone = map.parsed("zone", parse_dns_name);
  update.key_name = map.parsed("key_name", parse_dns_name);
  update.key_algorithm = map.choice("key_algorithm", update.key_algorithm, key_algorithms);
  update.secret_file = map.path("secret_file");
  if (map.has("secret_file") && !map.has("key_name")) map.refuse_key("secret_file", "`key_name` beside it");
  if (map.has("key_name") && !map.has("secret_file")) map.refuse_key("key_name", "`secret_file` beside it");
  if (map.has("key_algorithm") && !map.has("key_name")) {
    map.refuse_key("key_algorithm", "`key_name` and `secret_file` beside it");
  }
  return update;
}

// A program that is written with a folder is a file; one without is looked for as a shell does.
std::string program(const std::string& written, const Scope& scope) {
  const bool file = written.find('/') != std::string::npos;
  return file && !written.starts_with('/') ? (scope.folder / written).lexically_normal().string() : written;
}

DnsExec read_exec(const Value& value) {
  const Mapping map(value, keys::dns_exec);
  DnsExec exec;
  if (const auto command = map.require("command")) exec.command = read_command(*command);
  exec.timeout = map.duration("timeout", exec.timeout, solver_waits);
  return exec;
}

DnsPropagation read_propagation(const Value& value) {
  const Mapping map(value, keys::dns_propagation);
  DnsPropagation propagation;
  propagation.check = map.choice("check", propagation.check, checks);
  propagation.timeout = map.duration("timeout", propagation.timeout, solver_waits);
  propagation.delay = map.duration("delay", propagation.delay, delays);
  return propagation;
}

}  // namespace

std::vector<std::string> read_command(const Value& value) {
  std::vector<std::string> command;
  for (const Value& word : value.list()) {
    if (auto text = command.empty() ? word.text() : word.free_text()) command.push_back(std::move(*text));
  }
  const bool list = value.is(YamlNode::Kind::sequence);
  if (list && value.node().items.empty()) value.refuse("an empty list", "the program, and perhaps arguments");
  if (command.size() > most_arguments) value.refuse("too long a list", "at most 64 words");
  if (!command.empty()) command.front() = program(command.front(), value.scope());
  return command;
}

DnsSolver read_dns(const Value& value) {
  const Mapping map(value, keys::dns);
  DnsSolver solver;
  const auto provider = map.only_one_of({"rfc2136", "exec", "azure"});
  if (provider == "rfc2136") solver.provider = read_rfc2136(*map.find("rfc2136"));
  if (provider == "exec") solver.provider = read_exec(*map.find("exec"));
  if (provider == "azure") solver.provider = read_azure_dns(*map.find("azure"));
  solver.ttl = map.whole_seconds("ttl", solver.ttl, lives);
  if (const auto propagation = map.find("propagation")) solver.propagation = read_propagation(*propagation);
  return solver;
}

}  // namespace config
