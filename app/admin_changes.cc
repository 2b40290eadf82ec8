#include "app/admin_changes.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>
#include <vector>

#include "app/api.h"
#include "app/findings_json.h"
#include "app/vault_events.h"
#include "base/ascii.h"
#include "base/file.h"
#include "base/openssl.h"

namespace app {
namespace {

AdminAnswer answer_of(unsigned status, const Json& body) {
  return {status, "application/json", dump(body)};
}

AdminAnswer refusal(unsigned status, const std::string& why) {
  return answer_of(status, Json{{"error", why}});
}

std::optional<unsigned> number_of(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3) {
      plain += static_cast<char>(byte);
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// "/api/certificates/NAME/renew" by its parts, without "/api".
std::vector<std::string> parts_of(std::string_view target) {
  std::vector<std::string> parts;
  std::string_view path = target.substr(0, target.find('?'));
  if (!path.starts_with("/api/")) return parts;
  path.remove_prefix(5);
  while (parts.size() < 4) {
    const auto slash = path.find('/');
    parts.push_back(unescaped(path.substr(0, slash)));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

// The value of a key of the query, wherever it stands there. Nothing: it has none of that name.
std::optional<std::string> in_query(std::string_view target, std::string_view key) {
  const auto begin = target.find('?');
  if (begin == std::string_view::npos) return std::nullopt;
  for (std::string_view rest = target.substr(begin + 1); !rest.empty();) {
    const auto end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    if (unescaped(pair.substr(0, equals)) == key) return unescaped(pair.substr(std::min(equals + 1, pair.size())));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

bool same_secret(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

base::Result<Json> as_json(base::Result<void> result) {
  if (!result) return std::unexpected(std::move(result.error()));
  return Json::object();
}

constexpr std::size_t longest_origin = 253;

bool is_of_host(char c) {
  const char small = base::lower(c);
  return (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':';
}

bool is_vault_event(const std::vector<std::string>& parts) {
  return parts.size() == 2 && parts[0] == "events" && parts[1] == "key-vault";
}

bool is_change(const std::vector<std::string>& parts) {
  if (parts.size() == 1) return parts[0] == "doctor";
  if (is_vault_event(parts)) return true;
  if (parts.size() != 3) return false;
  if (parts[0] == "certificates") return parts[2] == "renew" || parts[2] == "revoke";
  return parts[0] == "issuers" && (parts[2] == "rollover" || parts[2] == "deactivate");
}

}  // namespace

std::optional<AdminAnswer> AdminChanges::answer(const AdminRequest& request) {
  const std::vector<std::string> parts = parts_of(request.target);
  if (parts.size() == 2 && parts[0] == "errands" && request.method == "GET") {
    const auto number = number_of(parts[1]);
    const auto known = number ? errands_.ask(*number) : std::nullopt;
    return known ? answer_of(200, *known) : refusal(404, "no such errand");
  }
  if (!is_change(parts)) return std::nullopt;
  if (is_vault_event(parts) && request.method == "OPTIONS") return permission_to_deliver(request);
  if (auto refused = refusal_of(request)) return refused;
  if (is_vault_event(parts)) return take_events(request);
  acme::Manager* const manager = options_.manager();
  const bool is_doctor = parts[0] == "doctor";
  const Examine elsewhere = is_doctor && options_.elsewhere ? options_.elsewhere() : Examine();
  if (manager == nullptr && !is_doctor) return refusal(409, "nothing is issued here: no certificate names an issuer");
  if (is_doctor) {
    return begin([manager, here = options_.findings, there = elsewhere](std::stop_token stop) {
      std::vector<acme::Finding> all = here(stop);
      if (there) std::ranges::move(there(stop), std::back_inserter(all));
      if (manager != nullptr) std::ranges::move(manager->examine(std::move(stop)), std::back_inserter(all));
      return base::Result<Json>(findings_json(all));
    });
  }
  const std::string& name = parts[1];
  if (parts[2] == "renew") {
    const auto renewing = manager->renew(name);
    return renewing ? answer_of(202, Json{{"renewing", name}}) : refusal(404, renewing.error().what);
  }
  if (parts[2] == "rollover") {
    return begin([=](std::stop_token stop) { return as_json(manager->roll_account_key_over(name, std::move(stop))); });
  }
  if (parts[2] == "deactivate") {
    return begin([=](std::stop_token stop) { return as_json(manager->deactivate_account(name, std::move(stop))); });
  }
  std::optional<unsigned> reason;
  if (const auto given = in_query(request.target, "reason")) {
    reason = number_of(*given);
    // RFC 5280 §5.3.1.
    if (!reason || *reason > 10 || *reason == 7) return refusal(400, "reason: a number from 0 to 10, and not 7");
  }
  return begin([=](std::stop_token stop) { return as_json(manager->revoke(name, reason, std::move(stop))); });
}

std::optional<AdminAnswer> AdminChanges::refusal_of(const AdminRequest& request) const {
  if (request.method != "POST") return refusal(405, "only POST");
  // A page of a stranger's can make a browser send a form, but not these types without asking first.
  const bool event = is_vault_event(parts_of(request.target));
  const std::string type = base::lower_case(request.content_type.substr(0, request.content_type.find(';')));
  const bool of_events = type == "application/cloudevents+json" || type == "application/cloudevents-batch+json";
  const bool known = base::trimmed_end(type) == "application/json" || (of_events && event);
  if (!known) return refusal(415, "Content-Type: application/json");
  // What Event Grid delivers comes from elsewhere also where a proxy in front makes it look like this machine's.
  const bool pushed = event && !options_.token_file.empty();
  if (!options_.needs_token && !pushed) return std::nullopt;
  // It only looks. In a Pod, whoever may run the command may do all that the process may.
  const bool only_looks = parts_of(request.target).front() == "doctor";
  if (only_looks && request.peer == AdminRequest::Peer::this_machine) return std::nullopt;
  if (options_.token_file.empty()) {
    return refusal(403, "changes need admin.token_file where the admin endpoint is not on loopback");
  }
  const auto token = base::read_file(options_.token_file, 4096);
  const std::string_view expected = token ? base::trimmed_end(*token) : std::string_view{};
  if (expected.empty()) return refusal(403, "admin.token_file cannot be read, or is empty");
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view given = request.authorization;
  if (!given.starts_with(scheme) || !same_secret(given.substr(scheme.size()), expected)) {
    return refusal(401, "a bearer token is needed, the content of admin.token_file");
  }
  return std::nullopt;
}

// CloudEvents' handshake (HTTP 1.1 Web Hooks for Event Delivery §4). It only says that events may come: each of them
// has to show the token.
AdminAnswer AdminChanges::permission_to_deliver(const AdminRequest& request) const {
  const std::string& origin = request.webhook_origin;
  if (!options_.look || origin.empty() || origin.size() > longest_origin || !std::ranges::all_of(origin, is_of_host)) {
    return refusal(403, "no events are taken from there");
  }
  return {.status = 200,
          .body = {},
          .headers = {{"Allow", "OPTIONS, POST"}, {"WebHook-Allowed-Origin", origin}, {"WebHook-Allowed-Rate", "*"}}};
}

// Event Grid's handshake: a new subscription is confirmed by its code, given back.
AdminAnswer AdminChanges::take_events(const AdminRequest& request) const {
  const auto events = vault_events_from(request.body);
  if (!events) return refusal(400, events.error().what);
  if (!events->validation_code.empty()) return answer_of(200, Json{{"validationResponse", events->validation_code}});
  std::size_t looking = 0;
  for (const VaultEvents::Changed& changed : events->changed) {
    if (options_.look) looking += options_.look(changed.vault, changed.object);
  }
  return answer_of(200, Json{{"looking", looking}});
}

AdminAnswer AdminChanges::begin(Errands::Work work) {
  const auto number = errands_.begin(std::move(work));
  return number ? answer_of(202, Json{{"errand", *number}}) : refusal(503, "too many errands are waiting");
}

}  // namespace app
