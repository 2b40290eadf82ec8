// DnsLookup: blocking questions to name servers, for DNS-01 and pre-flight. What it returns is attacker controlled.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "acme/dns_message.h"
#include "acme/dns_transport.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/ip_network.h"

namespace acme {

// Any thread; no state but what it was made with. Each call blocks at most for the timeout of its question(s), and ends
// early on `stop`. Errors of all: timeout, unreachable, protocol, cancelled, `refused` where a server answers with a
// failure (SERVFAIL, REFUSED). That a name or a record does not exist is an answer.
class DnsLookup {
 public:
  struct Options {
    std::vector<std::string> nameservers;      // "IP:port"; empty: those of /etc/resolv.conf, read anew each time
    std::chrono::milliseconds timeout{5'000};  // of one question, all its tries and servers together
  };
  explicit DnsLookup(Options options) : options_(std::move(options)) {}

  // Asks the resolvers, one after the other, twice at most; by TCP where an answer was cut.
  [[nodiscard]] base::Result<DnsAnswer> ask(const DnsQuestion& question, std::stop_token stop) const;
  // The same of one authoritative server, without recursion.
  [[nodiscard]] base::Result<DnsAnswer> ask_server(const DnsServer& server, const DnsQuestion& question,
                                                   std::stop_token stop) const;

  // At most 16 A and 16 AAAA, IPv6 first. Empty: the name does not exist, or has none. CNAMEs are followed by the
  // resolver.
  [[nodiscard]] base::Result<std::vector<base::IpAddress>> addresses(const std::string& name,
                                                                     std::stop_token stop) const;
  // Where CNAMEs of `name` lead, at most 8 of them: a name that has none, perhaps `name` itself. `refused`: more, or a
  // loop.
  [[nodiscard]] base::Result<std::string> follow_cname(const std::string& name, std::stop_token stop) const;
  // The zone that `name` is in: the owner of the SOA that is at it or nearest above it. `not_found`: none but the root.
  [[nodiscard]] base::Result<std::string> zone_of(const std::string& name, std::stop_token stop) const;

  // An authoritative server and where it can be asked.
  struct Authority {
    std::string name;
    std::vector<DnsServer> addresses;  // at most 4; on port 53, but where a configured nameserver has another
  };
  // The servers of a zone by its NS records, at most 13. An error where one of them has no address.
  [[nodiscard]] base::Result<std::vector<Authority>> authorities(const std::string& zone, std::stop_token stop) const;

 private:
  [[nodiscard]] base::Result<std::vector<DnsServer>> resolvers() const;
  [[nodiscard]] base::SteadyTime deadline() const { return std::chrono::steady_clock::now() + options_.timeout; }
  Options options_;
};

// The resolvers of a resolv.conf(5), at most 3; the machine itself if there is none.
[[nodiscard]] std::vector<DnsServer> nameservers_of(std::string_view resolv_conf);

}  // namespace acme
