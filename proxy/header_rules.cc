#include "proxy/header_rules.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "base/ascii.h"

namespace proxy {
namespace {

constexpr FieldSet hop_by_hop{http::field::connection,
                              http::field::keep_alive,
                              http::field::proxy_connection,
                              http::field::transfer_encoding,
                              http::field::upgrade,
                              http::field::te,
                              http::field::proxy_authenticate,
                              http::field::proxy_authorization,
                              http::field::http2_settings};

bool is_hop_by_hop(const HeaderView& field) noexcept {
  return hop_by_hop.has(field.id) || (field.id == http::field::unknown && field.name == "proxy");
}

// By length first: most comparisons end there.
struct NameOrder {
  bool operator()(std::string_view a, std::string_view b) const noexcept {
    if (a.size() != b.size()) return a.size() < b.size();
    return std::ranges::lexicographical_compare(a, b, {}, base::lower, base::lower);
  }
};

// What a Connection field names, without what is removed anyway; usually nothing.
void collect_named(std::vector<std::string_view>& named, std::string_view list) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view token = trim(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    const bool harmless = token.empty() || iequals(token, "keep-alive") || iequals(token, "close") ||
                          iequals(token, "upgrade") || iequals(token, "te");
    if (!harmless) named.push_back(token);
  }
}

}  // namespace

bool is_spelling_of(std::string_view name, std::string_view wanted) noexcept {
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return std::ranges::equal(name, wanted,
                            [&](char have, char want) { return have == want || (want == '-' && !is_word(have)); });
}

void remove_hop_by_hop(HeaderList& headers) {
  bool any = false;
  std::vector<std::string_view> named;
  for (const HeaderView field : headers) {
    any = any || is_hop_by_hop(field);
    if (field.id == http::field::connection) collect_named(named, field.value);
  }
  if (!any) return;
  // RFC 9110 §7.6.1: "Intermediaries MUST parse a received Connection header field before a message is forwarded and,
  // for each connection-option in this field, remove any header or trailer field(s) from the message with the same
  // name".
  if (!named.empty()) {
    // Sorted, so that a long list with many fields does not cost their product.
    std::ranges::sort(named, NameOrder{});
    headers.remove_if([&](const HeaderView& field) {
      return !is_hop_by_hop(field) && std::ranges::binary_search(named, field.name, NameOrder{});
    });
  }
  bool te_kept = false;
  const bool trailers = headers.has_token(http::field::te, "trailers");
  headers.remove_if([&](const HeaderView& field) {
    if (field.id == http::field::te && !te_kept && iequals(field.value, "trailers")) {
      te_kept = true;
      return false;
    }
    return is_hop_by_hop(field);
  });
  if (trailers && !te_kept) headers.add(http::field::te, "trailers");
}

namespace {

constexpr std::string_view request_id = "x-request-id";

bool is_acceptable_id(std::string_view id) noexcept {
  if (id.empty() || id.size() > 128) return false;
  return std::ranges::all_of(id, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("._~+/=-").find(c) != std::string_view::npos;
  });
}

std::string make_request_id() {
  // One for each thread, seeded by the system; unique, not secret.
  thread_local std::mt19937_64 engine = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  std::array<char, 32> id;
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t bits = engine();
    for (std::size_t i = 0; i < 16; ++i, bits >>= 4U) id[16 * half + i] = "0123456789abcdef"[bits & 0xfU];
  }
  return {id.data(), id.size()};
}

}  // namespace

std::string apply_request_id(HeaderList& headers) {
  std::size_t count = 0;
  std::string_view sent;
  for (const HeaderView field : headers) {
    if (field.name != request_id) continue;
    ++count;
    sent = field.value;
  }
  if (count == 1 && is_acceptable_id(sent)) return std::string(sent);
  if (count > 0) headers.remove(request_id);
  std::string made = make_request_id();
  headers.add(http::field::unknown, request_id, made);
  return made;
}

namespace {

constexpr std::array<std::string_view, 7> identity_names{"client-cert",         "client-cert-chain", "x-client-verify",
                                                         "x-client-subject",    "x-client-issuer",   "x-client-serial",
                                                         "x-client-fingerprint"};

// A distinguished name may hold anything; a header field may not.
std::string visible(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return out;
}

}  // namespace

bool tells_of_identity(const HeaderView& field) noexcept {
  // All of them have 11 to 20 characters and begin with c or x: most fields end here.
  if (field.id != http::field::unknown || field.name.size() < 11 || field.name.size() > 20) return false;
  if (field.name[0] != 'c' && field.name[0] != 'x') return false;
  return std::ranges::any_of(identity_names,
                             [&](std::string_view wanted) { return is_spelling_of(field.name, wanted); });
}

void apply_client_identity(HeaderList& headers, const ConnectionFacts& connection) {
  headers.remove_if(tells_of_identity);
  if (!connection.identity) return;
  const ClientIdentity& identity = *connection.identity;
  headers.add_parts(http::field::unknown, "client-cert", {":", identity.der_base64, ":"});
  headers.add(http::field::unknown, "x-client-verify", "SUCCESS");
  headers.add(http::field::unknown, "x-client-subject", visible(identity.subject));
  headers.add(http::field::unknown, "x-client-issuer", visible(identity.issuer));
  headers.add(http::field::unknown, "x-client-serial", identity.serial_hex);
  headers.add(http::field::unknown, "x-client-fingerprint", identity.sha256_hex);
}

void apply_changes(HeaderList& headers, const config::HeaderChanges& changes) {
  for (const std::string& name : changes.remove) headers.remove(name);
  for (const config::HeaderField& field : changes.set) headers.set(field.name, field.value);
  for (const config::HeaderField& field : changes.add) headers.add(field.name, field.value);
}

}  // namespace proxy
