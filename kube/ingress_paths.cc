#include "kube/ingress_paths.h"

#include <array>
#include <string_view>
#include <utility>

#include "config/sections.h"

namespace kube {
namespace {

using Kind = config::PathMatch::Kind;
using Type = IngressPath::Type;

constexpr std::string_view marks_of_expressions = "()[]{}|^$*+?\\";

struct Expression {
  std::string prefix;
  char rest = 0;  // the digit of the group that holds what follows the prefix; 0: none does
};

std::optional<Expression> prefix_expression(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 7> endings{{{"(/|$)(.*)", '2'},
                                                                      {"(/|$)(.*)$", '2'},
                                                                      {"/?(.*)", '1'},
                                                                      {"/(.*)", '1'},
                                                                      {"/(.*)$", '1'},
                                                                      {"/.*", 0},
                                                                      {"/*", 0}}};
  if (text.starts_with('^')) text.remove_prefix(1);
  for (const auto& [ending, group] : endings) {
    if (!text.ends_with(ending)) continue;
    const std::string_view prefix = text.substr(0, text.size() - ending.size());
    if (prefix.find_first_of(marks_of_expressions) != std::string_view::npos) continue;
    return Expression{prefix.empty() ? "/" : std::string(prefix), group};
  }
  if (text.find_first_of(marks_of_expressions) == std::string_view::npos) return Expression{std::string(text)};
  return std::nullopt;
}

// "/api/$2" with the group 2: "/api/".
config::Read<std::string> kept_rest(std::string_view target, char group) {
  const std::size_t dollar = target.find('$');
  const bool keeps_rest = group != 0 && dollar + 2 == target.size() && target[dollar + 1] == group;
  const auto front = config::parse_url_path(dollar == 0 ? "/" : target.substr(0, dollar));
  if (keeps_rest && front) return *front;
  return std::unexpected("a rewrite target that keeps what follows the prefix, such as /$2 for /app(/|$)(.*)");
}

void strip_slashes(std::string& path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
}

config::Read<PlannedPath> plan_expression(const IngressPath& path, const IngressSettings& settings) {
  auto expression = prefix_expression(path.path);
  const auto prefix =
      expression ? config::parse_url_path(expression->prefix) : config::Read<std::string>(std::unexpected(""));
  if (!prefix) return std::unexpected("a regular expression that stands for a prefix, such as /app(/|$)(.*)");
  PlannedPath planned{.match = {Kind::prefix, *prefix}};
  strip_slashes(planned.match.path);
  if (settings.rewrite_target.empty()) return planned;
  if (!settings.rewrite_target.contains('$')) {
    planned.replacement = settings.rewrite_target;
    if (planned.match.path != "/" || expression->rest != 0) {
      planned.remark = "the rewrite target replaces the matched prefix and keeps what follows it; nginx drops that";
    }
    return planned;
  }
  auto replacement = kept_rest(settings.rewrite_target, expression->rest);
  if (!replacement) return std::unexpected(replacement.error());
  planned.replacement = *std::move(replacement);
  return planned;
}

config::Read<PlannedPath> plan_any(const IngressPath& path, const IngressSettings& settings, Dialect dialect) {
  const bool untyped = path.type == Type::implementation_specific;
  const bool expression = settings.regular_expressions || !settings.rewrite_target.empty();
  if (expression && path.type != Type::exact && !path.path.empty()) return plan_expression(path, settings);

  PlannedPath planned{.match = {path.type == Type::exact ? Kind::exact : Kind::prefix, path.path}};
  std::string& text = planned.match.path;
  if (text.empty()) text = "/";
  if (untyped && text.ends_with("/*")) {
    text.pop_back();
  } else if (untyped && dialect == Dialect::application_gateway && text != "/") {
    planned.match.kind = Kind::exact;
  }
  if (untyped && text.find_first_of("()[]|^$*\\") != std::string::npos) {
    return std::unexpected("a path; for a regular expression also nginx.ingress.kubernetes.io/use-regex");
  }
  if (const auto valid = config::parse_url_path(text); !valid) return std::unexpected(valid.error());
  if (planned.match.kind == Kind::prefix) strip_slashes(text);
  if (settings.replace_path) planned.replacement = settings.replace_path;
  if (path.type == Type::exact && !settings.rewrite_target.empty()) {
    if (settings.rewrite_target.contains('$')) return std::unexpected("a rewrite target without $1 for an exact path");
    planned.replacement = settings.rewrite_target;
  }
  return planned;
}

}  // namespace

config::Read<PlannedPath> plan_path(const IngressPath& path, const IngressSettings& settings, Dialect dialect) {
  auto planned = plan_any(path, settings, dialect);
  // Whatever brought it here: what is put into request lines is a path.
  if (planned && planned->replacement && !config::parse_url_path(*planned->replacement)) {
    return std::unexpected("a rewrite target that is a path");
  }
  return planned;
}

}  // namespace kube
