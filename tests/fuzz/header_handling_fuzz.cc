// Lines "name: value", from a client that is trusted or not: whatever they are, nothing forged reaches the backend.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/forwarded.h"

namespace {

void add_lines(proxy::HeaderList& headers, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) continue;
    headers.add(line.substr(0, colon), proxy::trim(line.substr(colon + 1)));
  }
}

void must(bool condition) {
  if (!condition) std::abort();
}

std::size_t count(const proxy::HeaderList& headers, std::string_view name) {
  std::size_t found = 0;
  for (const proxy::HeaderView field : headers) {
    std::string canonical(field.name);
    for (char& c : canonical) c = c == '_' ? '-' : c;
    found += canonical == name ? 1 : 0;
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool is_trusted = (data[0] & 1U) != 0;
  proxy::RequestHead request;
  request.authority = "example.com:8443";
  add_lines(request.headers, {reinterpret_cast<const char*>(data) + 1, size - 1});
  proxy::ConnectionFacts facts;
  facts.client = *base::IpAddress::parse("10.0.0.1");
  std::vector<base::IpNetwork> trusted;
  if (is_trusted) trusted.push_back(*base::IpNetwork::parse("10.0.0.0/8"));

  proxy::remove_hop_by_hop(request.headers);
  const base::IpAddress client = proxy::apply_forwarded(request, facts, trusted);
  const std::string id = proxy::apply_request_id(request.headers);
  proxy::apply_client_identity(request.headers, facts);

  const proxy::HeaderList& headers = request.headers;
  must(!headers.find(proxy::http::field::connection) && !headers.find(proxy::http::field::transfer_encoding));
  must(headers.count(proxy::http::field::te) <= 1);
  for (const char* name : {"client-cert", "client-cert-chain", "x-client-verify", "x-client-subject"})
    must(count(headers, name) == 0);
  for (const char* name : {"x-forwarded-for", "forwarded", "x-real-ip"}) must(count(headers, name) == 1);
  must(headers.find("x-real-ip") == client.to_string());
  must(headers.find("x-forwarded-for")->ends_with("10.0.0.1"));
  must(headers.find("x-request-id") == id && !id.empty() && id.size() <= 128);
  if (!is_trusted) must(client == facts.client && headers.find("x-forwarded-for") == "10.0.0.1");
  return 0;
}
