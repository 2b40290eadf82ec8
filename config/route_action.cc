#include <algorithm>
#include <array>
#include <utility>

#include "config/sections.h"

namespace config {
namespace {

// Fields that frame a message or belong to one hop. Changing them by hand is how requests are smuggled; sekisho writes
// them itself (RFC 9110 §7.6.1, RFC 9112 §6).
constexpr std::array<std::string_view, 9> own_fields{
    "connection", "content-length",    "keep-alive", "proxy-connection", "te",
    "trailer",    "transfer-encoding", "upgrade",    "http2-settings"};

Read<std::string> parse_changed_name(std::string_view text) {
  auto name = parse_header_name(text);
  if (!name) return name;
  if (std::ranges::find(own_fields, *name) != own_fields.end()) {
    return std::unexpected("another field: this one belongs to the connection and is written by sekisho");
  }
  if (*name == "host") return std::unexpected("another field: the host sent is `host_header` of the backend");
  return name;
}

std::vector<HeaderField> read_fields(const Value& value) {
  std::vector<HeaderField> fields;
  for (const NamedValue& entry : named_values(value)) {
    HeaderField field;
    field.name = entry.key.parsed(parse_changed_name).value_or("");
    const auto written = entry.value.free_text();
    if (!written) continue;
    auto read = parse_header_value(*written);
    if (read) {
      field.value = std::move(*read);
    } else {
      entry.value.refuse(std::move(read.error()));
    }
    const bool twice = std::ranges::any_of(fields, [&](const HeaderField& other) { return other.name == field.name; });
    if (twice && !field.name.empty()) {
      entry.key.refuse("field " + quote(entry.name) + " a second time", "each field only once");
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

Read<std::string> parse_redirect_host(std::string_view text) {
  if (is_ip_address(text)) return std::string(text);
  return parse_host_name(text);
}

constexpr std::uint64_t highest_port = 65535;

}  // namespace

Redirect read_redirect(const Value& value) {
  const Mapping map(value, keys::redirect);
  Redirect redirect;
  redirect.status = map.choice("status", redirect.status,
                               Words<int>{{"301", 301}, {"302", 302}, {"303", 303}, {"307", 307}, {"308", 308}});
  if (const auto scheme = map.find("scheme")) {
    redirect.scheme = scheme->choice(Words<std::string>{{"http", "http"}, {"https", "https"}});
  }
  if (map.has("host")) redirect.host = map.parsed("host", parse_redirect_host);
  if (map.has("port")) redirect.port = static_cast<std::uint16_t>(map.number("port", 443, {1, highest_port}));
  if (map.has("path")) redirect.path = map.parsed("path", parse_url_path);
  if (map.has("replace_prefix")) redirect.replace_prefix = map.parsed("replace_prefix", parse_url_path);
  if (map.has("path") && map.has("replace_prefix"))
    map.refuse_key("replace_prefix", "only one of path, replace_prefix");
  const std::vector<std::string_view> moves{"scheme", "host", "port", "path", "replace_prefix"};
  const bool moved = std::ranges::any_of(moves, [&map](std::string_view key) { return map.has(key); });
  if (!moved && value.is(YamlNode::Kind::mapping)) {
    value.refuse("a redirect to the same place", "at least one of " + joined(moves));
  }
  return redirect;
}

Respond read_respond(const Value& value) {
  const Mapping map(value, keys::respond);
  Respond respond;
  respond.status = static_cast<int>(map.number("status", 200, {200, 599}));
  if (map.has("content_type")) respond.content_type = map.parsed("content_type", parse_header_value);
  if (const auto body = map.find("body")) respond.body = body->free_text().value_or("");
  // RFC 9110 §15.3.5, §15.3.6, §15.4.5: 204, 205 and 304 have no content.
  const bool no_content = respond.status == 204 || respond.status == 205 || respond.status == 304;
  if (no_content && !respond.body.empty()) map.refuse_key("body", "no body with this status");
  return respond;
}

HeaderChanges read_header_changes(const Value& value) {
  const Mapping map(value, keys::header_changes);
  HeaderChanges changes;
  changes.remove = parsed_list(map.find("remove"), parse_changed_name);
  if (const auto set = map.find("set")) changes.set = read_fields(*set);
  if (const auto add = map.find("add")) changes.add = read_fields(*add);
  return changes;
}

}  // namespace config
