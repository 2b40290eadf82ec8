#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "base/http_url.h"
#include "config/sections.h"

namespace config {
namespace {

constexpr std::size_t longest_vault_name = 24;
constexpr std::size_t longest_object_name = 127;
constexpr std::size_t longest_segment = 90;
constexpr std::size_t longest_resource_id = 1024;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

}  // namespace

Read<std::string> parse_endpoint_url(std::string_view text) {
  auto url = parse_secure_url(text);
  while (url && url->ends_with('/')) url->pop_back();
  if (url && url->contains('?')) return std::unexpected("a URL without a query");
  return url;
}

Read<std::string> parse_vault(std::string_view text) {
  if (is_name(text, longest_vault_name)) return std::string(text);
  auto url = base::parse_http_url(text) ? parse_endpoint_url(text) : Read<std::string>(std::unexpected(""));
  if (url && base::parse_http_url(*url)->rest.empty()) return url;
  return std::unexpected("the name of a vault, or its URL, such as https://my-vault.vault.azure.net");
}

Read<std::string> parse_vault_name(std::string_view text) {
  if (is_name(text, longest_object_name)) return std::string(text);
  return std::unexpected("at most 127 letters, digits and hyphens, as names in a vault are");
}

Read<std::string> parse_azure_segment(std::string_view text) {
  const bool plain = std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) || std::string_view("-_.()").contains(c) || static_cast<unsigned char>(c) >= 0x80;
  });
  if (plain && text.size() <= longest_segment && text.find_first_not_of('.') != std::string_view::npos) {
    return std::string(text);
  }
  return std::unexpected("at most 90 letters, digits and -_.(), as names in Azure are");
}

Read<std::string> parse_application_gateway(std::string_view text) {
  constexpr std::string_view first = "/subscriptions/";
  constexpr std::string_view kind = "/applicationgateways/";
  const std::string lower = base::lower_case(text);
  const std::size_t name = lower.rfind('/') + 1;
  const bool plain = std::ranges::none_of(
      text, [](char c) { return (c >= 0 && c <= 0x20) || c == 0x7f || c == '?' || c == '#' || c == '%'; });
  if (plain && text.size() <= longest_resource_id && lower.starts_with(first) && name < text.size() &&
      lower.substr(0, name).ends_with(kind)) {
    return std::string(text);
  }
  return std::unexpected(
      "the resource id of a gateway: /subscriptions/…/resourceGroups/…/providers/Microsoft.Network/"
      "applicationGateways/NAME");
}

}  // namespace config
