#include "proxy/trailers.h"

#include <algorithm>

#include "proxy/forwarded.h"
#include "proxy/header_rules.h"

namespace proxy {
namespace {

bool belongs_before_the_body(const HeaderView& field) noexcept {
  switch (field.id) {
    case http::field::host:
    case http::field::content_length:
    case http::field::content_type:
    case http::field::content_encoding:
    case http::field::authorization:
    case http::field::cookie:
    case http::field::expect:
    case http::field::te:
      return true;
    default:
      return tells_of_client(field) || tells_of_identity(field) || field.name == "x-request-id";
  }
}

}  // namespace

HeaderList request_trailers(const HeaderList& sent, const config::HeaderChanges& changes) {
  HeaderList kept = sent;
  remove_hop_by_hop(kept);
  kept.remove_if([&](const HeaderView& field) {
    const auto is_named = [&](const auto& name) { return iequals(field.name, name); };
    return belongs_before_the_body(field) || std::ranges::any_of(changes.remove, is_named) ||
           std::ranges::any_of(changes.set, is_named, &config::HeaderField::name);
  });
  return kept;
}

}  // namespace proxy
