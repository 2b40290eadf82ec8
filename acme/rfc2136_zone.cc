// The DnsZone that sends dynamic updates. RFC 2136, signed as in RFC 8945.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "acme/dns_lookup.h"
#include "acme/dns_message.h"
#include "acme/dns_transport.h"
#include "acme/dns_zone.h"
#include "acme/tsig.h"
#include "base/ascii.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/file.h"
#include "config/host_names.h"

namespace acme {
namespace {

constexpr std::chrono::seconds exchange_timeout{10};
constexpr std::size_t longest_secret_file = 16U << 10U;

// The base64 text alone, or the whole key statement that tsig-keygen prints.
std::string_view secret_in(std::string_view content) {
  if (const std::size_t word = content.find("secret \""); word != std::string_view::npos) {
    content.remove_prefix(word + std::string_view("secret \"").size());
    content = content.substr(0, content.find('"'));
  }
  return base::trimmed(content);
}

class Rfc2136Zone final : public DnsZone {
 public:
  Rfc2136Zone(config::Rfc2136 config, config::Endpoint server, std::vector<std::string> nameservers)
      : config_(std::move(config)), server_(std::move(server)), lookup_({std::move(nameservers)}) {}

  base::Result<void> add(const std::string& owner, const std::string& value, std::chrono::seconds ttl,
                         std::stop_token stop) override {
    return change({TxtChange::Action::add, {}, owner, value, ttl}, stop);
  }
  base::Result<void> remove(const std::string& owner, const std::string& value, std::stop_token stop) override {
    return change({TxtChange::Action::remove, {}, owner, value}, stop);
  }
  // Nothing: updates are sent unsigned. Read each time, so that a new secret needs no restart.
  [[nodiscard]] base::Result<std::optional<TsigKey>> key() const;

 private:
  base::Result<void> change(TxtChange change, const std::stop_token& stop);
  base::Result<void> send(const DnsServer& server, const TxtChange& change, const std::stop_token& stop) const;
  base::Result<std::vector<DnsServer>> servers(const std::stop_token& stop) const;
  [[nodiscard]] base::Result<void> judge(DnsRcode code, const TxtChange& change) const;

  const config::Rfc2136 config_;
  const config::Endpoint server_;
  const DnsLookup lookup_;
};

base::Result<std::optional<TsigKey>> Rfc2136Zone::key() const {
  if (config_.secret_file.empty()) return std::nullopt;
  auto content = base::read_file(config_.secret_file, longest_secret_file);
  if (!content) return std::unexpected(std::move(content).error().in("TSIG secret"));
  const certstore::WipedAtEnd wipe_content(*content);
  auto secret = base::from_base64(secret_in(*content));
  if (!secret || secret->empty()) {
    return base::fail(base::Code::invalid,
                      fmt::format("{}: is not a TSIG secret: base64, as tsig-keygen prints it, was expected",
                                  config_.secret_file.string()));
  }
  const certstore::WipedAtEnd wipe_secret(*secret);
  return TsigKey{config_.key_name, config_.key_algorithm, {secret->begin(), secret->end()}};
}

base::Result<void> Rfc2136Zone::change(TxtChange change, const std::stop_token& stop) {
  change.zone = normal_name(config_.zone);
  if (change.zone.empty()) {
    auto zone = lookup_.zone_of(change.owner, stop);
    if (!zone) return std::unexpected(std::move(zone).error());
    change.zone = *std::move(zone);
  }
  if (!in_zone(normal_name(change.owner), change.zone)) {
    return base::fail(base::Code::invalid, fmt::format("{} is not in zone {}", change.owner, change.zone));
  }
  const auto addresses = servers(stop);
  if (!addresses) return std::unexpected(addresses.error());
  base::Result<void> done = base::fail(base::Code::unreachable, server_.host + ": has no address");
  for (const DnsServer& server : *addresses) {
    done = send(server, change, stop);
    // Another address of the same server helps only where this one could not be talked to.
    const bool next =
        !done && (done.error().code == base::Code::unreachable || done.error().code == base::Code::timeout);
    if (!next) break;
  }
  if (done) return {};
  const std::string_view verb = change.action == TxtChange::Action::add ? "add" : "remove";
  return std::unexpected(std::move(done).error().in(
      fmt::format("{} TXT {} by update of zone {} at {}", verb, change.owner, change.zone, config_.server)));
}

base::Result<std::vector<DnsServer>> Rfc2136Zone::servers(const std::stop_token& stop) const {
  const auto addresses = lookup_.addresses(server_.host, stop);
  if (!addresses) return std::unexpected(addresses.error());
  std::vector<DnsServer> found;
  for (const base::IpAddress& address : *addresses) found.push_back(DnsServer::at(address, server_.port));
  return found;
}

// By stream: the answer to an unsigned update cannot be forged from afar, and a signed one never is too long.
base::Result<void> Rfc2136Zone::send(const DnsServer& server, const TxtChange& change,
                                     const std::stop_token& stop) const {
  const std::uint16_t id = random_dns_id();
  const auto message = encode_update(change, id);
  const auto key = this->key();
  if (!message) return std::unexpected(message.error());
  if (!key) return std::unexpected(key.error());
  SignedMessage sent{*message, {}};
  if (*key) {
    auto signed_message = sign_tsig(*message, **key, base::system_clock().now());
    if (!signed_message) return std::unexpected(signed_message.error());
    sent = *std::move(signed_message);
  }
  const auto deadline = std::chrono::steady_clock::now() + exchange_timeout;
  const auto received = exchange_stream(server, sent.wire, {deadline, stop});
  if (!received) return std::unexpected(received.error());
  const auto code = decode_update_answer(*received, id);
  if (!code) return std::unexpected(code.error());
  if (*key) {
    const auto authentic = verify_tsig(*received, **key, sent.mac, base::system_clock().now());
    // What refuses a request may come unsigned, and says more than that it is unsigned.
    const bool own_error = !authentic && authentic.error().code == base::Code::refused;
    if (!authentic && (own_error || *code == DnsRcode::no_error)) return authentic;
  }
  return judge(*code, change);
}

base::Result<void> Rfc2136Zone::judge(DnsRcode code, const TxtChange& change) const {
  std::string_view why;
  base::Retry retry = base::Retry::never;
  switch (code) {
    case DnsRcode::no_error:
      return {};
    case DnsRcode::refused:
      why = config_.secret_file.empty() ? "the server's policy does not let unsigned updates change this name"
                                        : "the server's policy does not let this key change this name";
      break;
    case DnsRcode::not_auth:
      why = "the server is not the primary of this zone, or does not accept the key";
      break;
    case DnsRcode::not_zone:
      why = "the name is not in this zone";
      break;
    case DnsRcode::not_implemented:
      why = "the server does not take dynamic updates";
      break;
    case DnsRcode::server_failure:
      why = "the server could not do it; its log says why";
      retry = base::Retry::later;
      break;
    default:
      why = "the server did not do it";
      retry = base::Retry::later;
  }
  return base::fail(base::Code::refused, fmt::format("{}: {} ({})", to_string(code), why, change.zone),
                    base::Origin::control, retry);
}

}  // namespace

base::Result<std::shared_ptr<DnsZone>> make_rfc2136_zone(const config::Rfc2136& config,
                                                         std::vector<std::string> nameservers) {
  const bool has_port = config.server.starts_with('[') ? config.server.find("]:") != std::string::npos
                                                       : config.server.find(':') != std::string::npos;
  auto server = config::parse_endpoint(has_port ? config.server : config.server + ":53");
  if (!server) {
    return base::fail(base::Code::invalid, fmt::format("server \"{}\": {}", config.server, server.error()));
  }
  if (!config.secret_file.empty() && (config.key_name.empty() || !is_tsig_algorithm(config.key_algorithm))) {
    return base::fail(base::Code::invalid,
                      fmt::format("TSIG key \"{}\" with algorithm \"{}\": a name, and one of hmac-sha224, hmac-sha256, "
                                  "hmac-sha384 or hmac-sha512, were expected",
                                  config.key_name, config.key_algorithm));
  }
  auto zone = std::make_shared<Rfc2136Zone>(config, *std::move(server), std::move(nameservers));
  if (const auto key = zone->key(); !key) return std::unexpected(key.error());
  return zone;
}

}  // namespace acme
