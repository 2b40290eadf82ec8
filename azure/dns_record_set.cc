#include "azure/dns_record_set.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "base/json.h"

namespace azure {
namespace {

using nlohmann::json;

constexpr std::size_t longest_string = 255;  // RFC 1035 §3.3
constexpr std::size_t longest_value = 1024;  // of all strings: 4096 in the public cloud, 1024 in others
constexpr std::size_t longest_etag = 200;
constexpr const char* records_name = "TXTRecords";

bool is_record(const json& record) {
  const json* strings = acme::array_member(record, "value");
  return strings != nullptr && std::ranges::all_of(*strings, [](const json& part) { return part.is_string(); });
}

// A resolver joins the strings of a record too.
std::string value_of(const json& record) {
  std::string value;
  for (const json& part : record["value"]) value += part.get_ref<const std::string&>();
  return value;
}

// It goes into a header.
bool is_etag(std::string_view text) {
  return !text.empty() && text.size() <= longest_etag &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

DnsRecordSet::DnsRecordSet(std::chrono::seconds ttl)
    : properties_{{"TTL", ttl.count()}, {records_name, json::array()}} {}

base::Result<DnsRecordSet> DnsRecordSet::from(const json& answer) {
  const auto fault = [](std::string_view what) {
    return base::fail(base::Code::protocol, fmt::format("the record set has {}", what), base::Origin::upstream);
  };
  const std::string* etag = acme::text_member(answer, "etag");
  if (etag == nullptr || !is_etag(*etag)) return fault("no etag that could be sent back");
  const json* properties = acme::member(answer, "properties");
  if (properties == nullptr || !properties->is_object()) return fault("no properties");
  DnsRecordSet set(*etag, *properties);
  json& records = set.properties_[records_name];
  if (records.is_null()) records = json::array();
  if (!records.is_array() || !std::ranges::all_of(records, is_record)) return fault("TXTRecords of an unknown form");
  // Of the server's own making.
  for (const char* computed : {"fqdn", "provisioningState"}) set.properties_.erase(computed);
  return set;
}

const json& DnsRecordSet::records() const {
  return properties_[records_name];
}

bool DnsRecordSet::empty() const {
  return records().empty();
}

bool DnsRecordSet::has(std::string_view value) const {
  return std::ranges::any_of(records(), [&](const json& record) { return value_of(record) == value; });
}

base::Result<void> DnsRecordSet::add(std::string_view value) {
  if (value.empty() || value.size() > longest_value) {
    return base::fail(base::Code::too_large, fmt::format("a value of {} bytes: 1 to {} can be in a TXT record there",
                                                         value.size(), longest_value));
  }
  if (records().size() >= most_records) {
    return base::fail(
        base::Code::too_large,
        fmt::format("there are {} TXT records of this name already, and Azure DNS takes no more: old ones "
                    "have to be deleted",
                    records().size()),
        base::Origin::upstream);
  }
  json strings = json::array();
  for (; !value.empty(); value.remove_prefix(std::min(longest_string, value.size()))) {
    strings.push_back(std::string(value.substr(0, longest_string)));
  }
  properties_[records_name].push_back({{"value", std::move(strings)}});
  return {};
}

bool DnsRecordSet::remove(std::string_view value) {
  json left = json::array();
  for (const json& record : records()) {
    if (value_of(record) != value) left.push_back(record);
  }
  const bool had = left.size() != records().size();
  properties_[records_name] = std::move(left);
  return had;
}

std::string DnsRecordSet::body() const {
  return base::json_line(json{{"properties", properties_}});
}

}  // namespace azure
