#include "acme/dns_propagation.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/stoppable_wait.h"

namespace acme {
namespace {

constexpr std::chrono::milliseconds shortest_pause{250};
constexpr std::chrono::milliseconds longest_pause{5'000};

std::unexpected<base::Error> not_shown(std::string why) {
  return base::fail(base::Code::timeout, std::move(why), base::Origin::control, base::Retry::later);
}

// The first address that answers speaks for the server: one of its addresses may be of a family that this machine has
// no way to.
base::Result<void> shown_by(const DnsLookup& lookup, const DnsLookup::Authority& authority, const DnsRecord& record,
                            const std::stop_token& stop) {
  const DnsQuestion question{record.owner, DnsType::txt};
  base::Result<void> said = not_shown(authority.name + ": has no address");
  for (const DnsServer& server : authority.addresses) {
    const auto answer = lookup.ask_server(server, question, stop);
    if (!answer) {
      if (answer.error().code == base::Code::cancelled) return std::unexpected(answer.error());
      said = not_shown(fmt::format("{}: {}", authority.name, answer.error().what));
      continue;
    }
    const auto values = answer->contents(normal_name(record.owner), DnsType::txt);
    if (std::ranges::find(values, record.value) != values.end()) return {};
    return not_shown(fmt::format("{} ({}) does not show it yet: {}, {} other values", authority.name,
                                 server.to_string(), to_string(answer->code), values.size()));
  }
  return said;
}

base::Result<void> shown_by_all(const DnsLookup& lookup, const DnsRecord& record, const std::stop_token& stop) {
  const auto zone = lookup.zone_of(record.owner, stop);
  if (!zone) return std::unexpected(zone.error());
  const auto authorities = lookup.authorities(*zone, stop);
  if (!authorities) return std::unexpected(authorities.error());
  for (const DnsLookup::Authority& authority : *authorities) {
    if (auto shown = shown_by(lookup, authority, record, stop); !shown) return shown;
  }
  return {};
}

}  // namespace

base::Result<bool> shown_everywhere(const DnsLookup& lookup, const DnsRecord& record, const std::stop_token& stop) {
  const auto shown = shown_by_all(lookup, record, stop);
  if (shown) return true;
  if (shown.error().code == base::Code::timeout) return false;
  return std::unexpected(shown.error());
}

base::Result<void> wait_for_propagation(const DnsLookup& lookup, const DnsRecord& record,
                                        const config::DnsPropagation& propagation, const std::stop_token& stop) {
  base::StoppableWait wait(std::chrono::steady_clock::now() + propagation.timeout, stop);
  auto pause = shortest_pause;
  while (true) {
    auto shown = shown_by_all(lookup, record, stop);
    if (shown) return {};
    if (shown.error().code == base::Code::cancelled) return shown;
    const auto paused = wait.pass(pause);
    if (!paused && paused.error().code == base::Code::timeout) {
      return std::unexpected(std::move(shown).error().in(
          fmt::format("TXT {} did not reach every authoritative server in {} s", record.owner,
                      std::chrono::duration_cast<std::chrono::seconds>(propagation.timeout).count())));
    }
    if (!paused) return paused;
    pause = std::min(pause * 2, longest_pause);
  }
}

}  // namespace acme
