#include "azure/dns_zone.h"

#include <algorithm>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "azure/dns_record_set.h"
#include "base/ascii.h"
#include "base/wait.h"

namespace azure {
namespace {

using std::chrono::milliseconds;

// The newest stable version.
constexpr std::string_view api_version = "api-version=2018-05-01";
constexpr unsigned most_tries = 10;
constexpr unsigned most_pages = 100;
constexpr milliseconds longest_pause{2'000};

// Owners come out of CNAME records too, and go into URLs.
bool is_plain_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '*';
  };
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, plain) &&
         name.find("..") == std::string_view::npos && name.front() != '.';
}

bool is_in_zone(std::string_view name, std::string_view zone) {
  return name == zone ||
         (name.size() > zone.size() && name.ends_with(zone) && name[name.size() - zone.size() - 1] == '.');
}

// "/subscriptions/…/dnsZones/example.com": it goes into a URL.
bool is_resource_id(std::string_view id) {
  const auto plain = [](char c) { return c > 0x20 && c < 0x7f && c != '?' && c != '#' && c != '%' && c != '\\'; };
  return id.starts_with("/subscriptions/") && id.size() < 1000 && std::ranges::all_of(id, plain) &&
         id.find("/../") == std::string_view::npos;
}

// Of one change, with all that it asks.
struct Limits {
  base::SteadyTime deadline;
  std::stop_token stop;
};

// Where a record stands.
struct Place {
  std::string zone_id;
  std::string relative_name;
};

// Without the name of one.
std::string path_of_zones(const config::AzureDns& config) {
  std::string path = "/subscriptions/" + config.subscription_id;
  if (!config.resource_group.empty()) path += "/resourceGroups/" + config.resource_group;
  return path + "/providers/Microsoft.Network/dnsZones";
}

class AzureDnsZone final : public acme::DnsZone {
 public:
  AzureDnsZone(std::shared_ptr<Client> client, DnsZoneOptions options)
      : client_(std::move(client)), options_([&options] {
          if (!options.wait) options.wait = base::wait_for;
          return std::move(options);
        }()) {}

  base::Result<void> add(const std::string& owner, const std::string& value, std::chrono::seconds ttl,
                         std::stop_token stop) override {
    return change(
        owner,
        [&](std::optional<DnsRecordSet>& set) -> base::Result<bool> {
          if (!set) set.emplace(ttl);
          if (set->has(value)) return false;
          if (auto added = set->add(value); !added) return std::unexpected(std::move(added.error()));
          return true;
        },
        stop);
  }
  base::Result<void> remove(const std::string& owner, const std::string& value, std::stop_token stop) override {
    return change(
        owner, [&](std::optional<DnsRecordSet>& set) -> base::Result<bool> { return set && set->remove(value); }, stop);
  }

 private:
  // Changes what is there, or nothing; whether it did.
  using Alter = std::function<base::Result<bool>(std::optional<DnsRecordSet>&)>;

  base::Result<void> change(const std::string& owner, const Alter& alter, std::stop_token stop);
  // Whether it was done; false: somebody else was there first.
  base::Result<bool> try_change(const std::string& url, const Alter& alter, const Limits& limits);
  base::Result<bool> write(const std::string& url, const DnsRecordSet& set, const Limits& limits);
  [[nodiscard]] base::Result<Place> place_of(const std::string& name, const Limits& limits);
  [[nodiscard]] base::Result<std::string> zone_of(const std::string& name, const Limits& limits);
  [[nodiscard]] Call call(std::string method, std::string url, const Limits& limits) const {
    return {.method = std::move(method), .url = std::move(url), .token = options_.token, .deadline = limits.deadline};
  }

  const std::shared_ptr<Client> client_;
  const DnsZoneOptions options_;
};

// What to do about a refusal, where that can be known.
base::Error explained(AzureFailure failure) {
  if (failure.status == 403) failure.error.what += "; the identity needs the role DNS Zone Contributor on the zone";
  return std::move(failure.error);
}

// The zone with the longest name that `name` is in. Private zones are another kind of resource, but were once listed
// among these.
base::Result<std::string> AzureDnsZone::zone_of(const std::string& name, const Limits& limits) {
  std::string best;
  std::string best_id;
  std::string url = url_of_zones(options_);
  for (unsigned page = 0; !url.empty() && page < most_pages; ++page) {
    if (client_->clock().steady() >= limits.deadline) {
      return base::fail(base::Code::timeout, "the list of zones does not come to its end", base::Origin::upstream,
                        base::Retry::later);
    }
    const auto listed = client_->object(call("GET", url, limits), limits.stop);
    if (!listed) return std::unexpected(explained(listed.error()));
    if (const nlohmann::json* zones = acme::array_member(*listed, "value")) {
      for (const nlohmann::json& zone : *zones) {
        const std::string its_name = base::lower_case(acme::shown_member(zone, "name", 253));
        const std::string* id = acme::text_member(zone, "id");
        const nlohmann::json* properties = acme::member(zone, "properties");
        const bool hidden = properties != nullptr && acme::shown_member(*properties, "zoneType", 20) == "Private";
        if (id == nullptr || !is_resource_id(*id) || hidden) continue;
        if (!is_in_zone(name, its_name) || its_name.size() <= best.size()) continue;
        best = its_name;
        best_id = *id;
      }
    }
    const std::string* next = acme::text_member(*listed, "nextLink");
    url = next == nullptr ? std::string() : *next;
    // A token goes with it.
    if (!url.empty() && !url.starts_with(options_.resource_manager + '/')) {
      return base::fail(base::Code::protocol, "the list of zones goes on at another server", base::Origin::upstream);
    }
  }
  if (best.empty()) {
    return base::fail(base::Code::not_found, fmt::format("no public zone there that {} is in", name),
                      base::Origin::upstream);
  }
  return best_id;
}

base::Result<Place> AzureDnsZone::place_of(const std::string& name, const Limits& limits) {
  if (!is_plain_name(name)) return base::fail(base::Code::invalid, "a name that cannot be in Azure DNS");
  std::string id;
  if (options_.config.zone.empty()) {
    auto found = zone_of(name, limits);
    if (!found) return std::unexpected(std::move(found.error()));
    id = *std::move(found);
  } else {
    if (options_.config.resource_group.empty()) {
      return base::fail(base::Code::invalid, "a zone without the resource group that it is in");
    }
    id = path_of_zones(options_.config) + '/' + options_.config.zone;
  }
  const std::string zone = base::lower_case(std::string_view(id).substr(id.rfind('/') + 1));
  if (!is_in_zone(name, zone)) {
    return base::fail(base::Code::invalid, fmt::format("{} is not in the zone {}", name, zone));
  }
  return Place{std::move(id), name == zone ? "@" : name.substr(0, name.size() - zone.size() - 1)};
}

base::Result<bool> AzureDnsZone::write(const std::string& url, const DnsRecordSet& set, const Limits& limits) {
  const bool gone = set.empty();
  Call request = call(gone ? "DELETE" : "PUT", url, limits);
  if (set.etag().empty()) {
    request.headers.push_back({"If-None-Match", "*"});
  } else {
    request.headers.push_back({"If-Match", set.etag()});
  }
  if (!gone) request.body = set.body();
  auto written = client_->send(request, limits.stop);
  if (written) return true;
  if (written.error().precondition_failed()) return false;
  if (gone && written.error().not_found()) return true;
  return std::unexpected(explained(std::move(written.error())));
}

base::Result<bool> AzureDnsZone::try_change(const std::string& url, const Alter& alter, const Limits& limits) {
  std::optional<DnsRecordSet> set;
  const auto there = client_->object(call("GET", url, limits), limits.stop);
  if (there) {
    auto read = DnsRecordSet::from(*there);
    if (!read) return std::unexpected(std::move(read.error()));
    set = *std::move(read);
  } else if (!there.error().not_found()) {
    return std::unexpected(explained(there.error()));
  }
  const auto altered = alter(set);
  if (!altered) return std::unexpected(altered.error());
  return *altered ? write(url, *set, limits) : true;
}

base::Result<void> AzureDnsZone::change(const std::string& owner, const Alter& alter, std::stop_token stop) {
  const Limits limits{client_->clock().steady() + options_.longest, std::move(stop)};
  const std::string where = fmt::format("Azure DNS: {}", owner);
  const std::string name = base::lower_case(owner);
  auto place = place_of(name, limits);
  if (!place) return std::unexpected(std::move(place.error()).in(where));
  const std::string url =
      fmt::format("{}{}/TXT/{}?{}", options_.resource_manager, place->zone_id, place->relative_name, api_version);
  std::minstd_rand random(std::random_device{}());
  milliseconds pause = options_.pause;
  for (unsigned tries = 1;; ++tries) {
    auto done = try_change(url, alter, limits);
    if (!done) return std::unexpected(std::move(done.error()).in(where));
    if (*done) return {};
    if (tries == most_tries || client_->clock().steady() >= limits.deadline) break;
    // Whoever was first may be many; they are not to meet again.
    const milliseconds most = pause;
    if (!options_.wait(std::uniform_int_distribution<milliseconds::rep>(0, most.count())(random) * milliseconds(1),
                       limits.stop)) {
      return base::fail(base::Code::cancelled, where + ": stopped");
    }
    pause = std::min(2 * pause, longest_pause);
  }
  return base::fail(base::Code::refused, where + ": somebody else changes it all the time", base::Origin::upstream,
                    base::Retry::later);
}

}  // namespace

std::string url_of_zones(const DnsZoneOptions& options) {
  const std::string name = options.config.zone.empty() ? std::string() : '/' + options.config.zone;
  return fmt::format("{}{}{}?{}", options.resource_manager, path_of_zones(options.config), name, api_version);
}

std::shared_ptr<acme::DnsZone> make_dns_zone(std::shared_ptr<Client> client, DnsZoneOptions options) {
  return std::make_shared<AzureDnsZone>(std::move(client), std::move(options));
}

}  // namespace azure
