// DnsRecordSet: the TXT record set of one name in Azure DNS, as the API writes it (2018-05-01). Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace azure {

class DnsRecordSet {
 public:
  // One that is not there yet.
  explicit DnsRecordSet(std::chrono::seconds ttl);
  // `answer` is controlled by the other side. Errors: `protocol`.
  [[nodiscard]] static base::Result<DnsRecordSet> from(const nlohmann::json& answer);

  // What has to be sent back in If-Match. Empty: it is not there yet.
  [[nodiscard]] const std::string& etag() const noexcept { return etag_; }
  [[nodiscard]] bool empty() const;
  [[nodiscard]] bool has(std::string_view value) const;
  // One more record; cut into strings of 255 bytes, which is what a TXT record is made of. Errors: `too_large`.
  [[nodiscard]] base::Result<void> add(std::string_view value);
  // All that have this value. Whether there was one.
  bool remove(std::string_view value);
  // The body of a PUT: TTL, metadata and the other records as they were.
  [[nodiscard]] std::string body() const;

  static constexpr std::size_t most_records = 20;

 private:
  DnsRecordSet(std::string etag, nlohmann::json properties)
      : etag_(std::move(etag)), properties_(std::move(properties)) {}
  [[nodiscard]] const nlohmann::json& records() const;

  std::string etag_;
  nlohmann::json properties_;  // an object, whose TXTRecords is an array of objects with an array `value` of strings
};

}  // namespace azure
