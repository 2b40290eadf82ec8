#include "acme/dns_lookup.h"

#include <algorithm>
#include <array>
#include <optional>
#include <ranges>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "base/file.h"

namespace acme {
namespace {

constexpr std::size_t most_resolvers = 3;  // as the system's own resolver
constexpr std::size_t most_addresses = 16;
constexpr std::size_t most_authorities = 13;
constexpr std::size_t most_addresses_of_a_server = 4;
constexpr std::size_t most_cnames = 8;
constexpr unsigned tries = 2;

enum class Recursion : bool { no, desired };

base::Error in_question(base::Error error, const DnsQuestion& question, const DnsServer& server) {
  return std::move(error).in(fmt::format("{} {} of {}", to_string(question.type), question.name, server.to_string()));
}

// RFC 1035 §4.2.1, §4.2.2: by datagram, by stream where that was cut.
base::Result<DnsAnswer> ask_once(const DnsServer& server, const DnsQuestion& question, Recursion recursion,
                                 DnsExchange exchange) {
  const std::uint16_t id = random_dns_id();
  const auto message = encode_question(question, id, recursion == Recursion::desired);
  if (!message) return std::unexpected(message.error());
  // A forged datagram must not end the wait for the true one.
  exchange.is_answer = [id, &question](std::string_view wire) { return decode_answer(wire, id, question).has_value(); };
  auto received = exchange_datagram(server, *message, exchange);
  if (!received) return std::unexpected(in_question(std::move(received).error(), question, server));
  auto answer = decode_answer(*received, id, question);
  if (answer && answer->truncated) {
    received = exchange_stream(server, *message, exchange);
    if (!received) return std::unexpected(in_question(std::move(received).error(), question, server));
    answer = decode_answer(*received, id, question);
  }
  if (!answer) return std::unexpected(in_question(std::move(answer).error(), question, server));
  return answer;
}

bool is_answer(DnsRcode code) {
  return code == DnsRcode::no_error || code == DnsRcode::name_error;
}

base::Result<DnsAnswer> usable(base::Result<DnsAnswer> answer, const DnsQuestion& question, const DnsServer& server) {
  if (!answer || is_answer(answer->code)) return answer;
  base::Error error{base::Code::refused, "answered " + to_string(answer->code), base::Origin::control,
                    base::Retry::later};
  return std::unexpected(in_question(std::move(error), question, server));
}

}  // namespace

std::vector<DnsServer> nameservers_of(std::string_view resolv_conf) {
  std::vector<DnsServer> servers;
  std::istringstream lines{std::string(resolv_conf)};
  for (std::string line; std::getline(lines, line) && servers.size() < most_resolvers;) {
    std::istringstream words(line);
    std::string key;
    std::string address;
    if (!(words >> key >> address) || key != "nameserver") continue;
    // Never with a port here; a bare IPv6 address may not be taken for one.
    if (const auto server = DnsServer::parse(address)) servers.push_back(*server);
  }
  if (servers.empty()) servers.push_back(*DnsServer::parse("127.0.0.1"));
  return servers;
}

base::Result<std::vector<DnsServer>> DnsLookup::resolvers() const {
  if (options_.nameservers.empty()) return nameservers_of(base::read_file("/etc/resolv.conf", 64U << 10U).value_or(""));
  std::vector<DnsServer> servers;
  for (const std::string& text : options_.nameservers) {
    const auto server = DnsServer::parse(text);
    if (!server) return base::fail(base::Code::invalid, fmt::format("nameserver \"{}\" is not an IP:port", text));
    servers.push_back(*server);
  }
  return servers;
}

base::Result<DnsAnswer> DnsLookup::ask(const DnsQuestion& question, std::stop_token stop) const {
  const auto servers = resolvers();
  if (!servers) return std::unexpected(servers.error());
  const base::SteadyTime end = deadline();
  // A lost datagram or a dead server may not use up the whole time.
  const auto share = options_.timeout / static_cast<long>(servers->size() * tries);
  base::Result<DnsAnswer> answer = base::fail(base::Code::timeout, "no nameserver was asked");
  for (unsigned attempt = 0; attempt < tries; ++attempt) {
    for (const DnsServer& server : *servers) {
      const auto until = std::min(end, std::chrono::steady_clock::now() + share);
      answer = usable(ask_once(server, question, Recursion::desired, {until, stop}), question, server);
      if (answer || answer.error().code == base::Code::cancelled || answer.error().code == base::Code::invalid) {
        return answer;
      }
    }
  }
  return answer;
}

base::Result<DnsAnswer> DnsLookup::ask_server(const DnsServer& server, const DnsQuestion& question,
                                              std::stop_token stop) const {
  const auto until = std::chrono::steady_clock::now() + options_.timeout / tries;
  auto answer = ask_once(server, question, Recursion::no, {until, stop});
  if (!answer && answer.error().code == base::Code::timeout) {
    answer = ask_once(server, question, Recursion::no, {until + options_.timeout / tries, stop});
  }
  return usable(std::move(answer), question, server);
}

base::Result<std::vector<base::IpAddress>> DnsLookup::addresses(const std::string& name, std::stop_token stop) const {
  using base::IpAddress;
  if (const auto address = IpAddress::parse(name)) return std::vector{*address};
  // RFC 6761 §6.3: never asked of anybody.
  if (in_zone(normal_name(name), "localhost")) return std::vector{*IpAddress::parse("127.0.0.1")};
  std::vector<IpAddress> found;
  for (const DnsType type : {DnsType::aaaa, DnsType::a}) {
    const auto answer = ask({name, type}, stop);
    if (!answer) return std::unexpected(answer.error());
    std::size_t taken = 0;
    for (const ResourceRecord& record : answer->answers) {
      const auto address = record.type == type ? IpAddress::parse(record.content) : std::nullopt;
      if (address && taken++ < most_addresses) found.push_back(*address);
    }
  }
  return found;
}

base::Result<std::string> DnsLookup::follow_cname(const std::string& name, std::stop_token stop) const {
  std::string at = normal_name(name);
  std::set<std::string> seen{at};
  while (true) {
    const auto answer = ask({at, DnsType::cname}, stop);
    if (!answer) return std::unexpected(answer.error());
    const auto targets = answer->contents(at, DnsType::cname);
    if (targets.empty()) return at;
    at = targets.front();
    if (!seen.insert(at).second || seen.size() > most_cnames + 1) {
      return base::fail(base::Code::refused,
                        fmt::format("{}: CNAMEs lead in a loop, or through more than {}", name, most_cnames));
    }
  }
}

base::Result<std::string> DnsLookup::zone_of(const std::string& name, std::stop_token stop) const {
  const std::string whole = normal_name(name);
  for (std::string_view at = whole; !at.empty(); at = parent_name(at)) {
    const auto answer = ask({std::string(at), DnsType::soa}, stop);
    if (!answer) return std::unexpected(answer.error());
    // RFC 2308 §3: a negative answer has the SOA of the zone in its authority section.
    for (const auto* section : {&answer->answers, &answer->authority}) {
      for (const ResourceRecord& record : *section) {
        const bool found = record.type == DnsType::soa && !record.owner.empty() && in_zone(whole, record.owner);
        if (found) return record.owner;
      }
    }
  }
  return base::fail(base::Code::not_found, fmt::format("no DNS zone was found for {}", whole), base::Origin::control,
                    base::Retry::later);
}

base::Result<std::vector<DnsLookup::Authority>> DnsLookup::authorities(const std::string& zone,
                                                                       std::stop_token stop) const {
  const auto answer = ask({zone, DnsType::ns}, stop);
  const auto configured = resolvers();
  if (!answer) return std::unexpected(answer.error());
  if (!configured) return std::unexpected(configured.error());
  std::vector<Authority> found;
  for (const std::string& name : answer->contents(normal_name(zone), DnsType::ns)) {
    if (found.size() == most_authorities) break;
    const auto ips = addresses(name, stop);
    if (!ips) return std::unexpected(ips.error());
    Authority authority{name, {}};
    for (const base::IpAddress& ip : *ips | std::views::take(most_addresses_of_a_server)) {
      const DnsServer server = DnsServer::at(ip);
      // Where an operator names a server with a port, that is where it listens.
      const auto known = std::ranges::find_if(*configured, [&](const DnsServer& c) { return c.same_host(server); });
      authority.addresses.push_back(known == configured->end() ? server : *known);
    }
    if (authority.addresses.empty()) {
      return base::fail(base::Code::unreachable, fmt::format("{}: its server {} has no address", zone, name),
                        base::Origin::control, base::Retry::later);
    }
    found.push_back(std::move(authority));
  }
  if (found.empty()) {
    return base::fail(base::Code::not_found, fmt::format("{}: no NS records were found", zone), base::Origin::control,
                      base::Retry::later);
  }
  return found;
}

}  // namespace acme
