// DnsMessage: questions, updates and answers on the wire (RFC 1035 §4, RFC 2136 §2). The only place that includes ldns.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace acme {

enum class DnsType : std::uint16_t { a = 1, ns = 2, cname = 5, soa = 6, txt = 16, aaaa = 28, caa = 257 };
[[nodiscard]] std::string_view to_string(DnsType type) noexcept;

// RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 8945 §3.
enum class DnsRcode : std::uint16_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,
  not_implemented = 4,
  refused = 5,
  not_auth = 9,
  not_zone = 10,
};
[[nodiscard]] std::string to_string(DnsRcode code);  // "NXDOMAIN"; "RCODE 23" for those without a name here

struct DnsQuestion {
  std::string name;  // without the dot at the end
  DnsType type = DnsType::a;
};

// A record of one of the types above; others are left out of an answer.
struct ResourceRecord {
  std::string owner;  // lower case, without the dot at the end; empty: the root
  DnsType type = DnsType::a;
  std::uint32_t ttl = 0;
  // a, aaaa: the address. ns, cname: the name, in the form of `owner`. soa: the primary server's name. txt: the
  // character strings, one after the other. caa: the value.
  std::string content;
  std::uint8_t caa_flags = 0;
  std::string caa_tag;  // lower case
  friend bool operator==(const ResourceRecord&, const ResourceRecord&) = default;
};

struct DnsAnswer {
  DnsRcode code = DnsRcode::no_error;
  bool authoritative = false;
  bool truncated = false;
  std::vector<ResourceRecord> answers;    // at most 200, as all sections
  std::vector<ResourceRecord> authority;  // of a negative answer: the SOA of its zone

  // The content of the records of that owner and type, in the order received.
  [[nodiscard]] std::vector<std::string> contents(std::string_view owner, DnsType type) const;
};

// With EDNS (RFC 6891) and room for 1232 bytes in UDP. `invalid`: not a DNS name.
[[nodiscard]] base::Result<std::string> encode_question(const DnsQuestion& question, std::uint16_t id,
                                                        bool recursion_desired);
// Whether a datagram is worth reading on: it answers this id. Cheap. `wire` is attacker controlled.
[[nodiscard]] bool answers_id(std::string_view wire, std::uint16_t id) noexcept;
// `wire` is attacker controlled, at most 65,535 bytes. `protocol`: it is no message, or answers something else than
// that id and question.
[[nodiscard]] base::Result<DnsAnswer> decode_answer(std::string_view wire, std::uint16_t id,
                                                    const DnsQuestion& question);

// One TXT value of a zone, to be added or deleted (RFC 2136 §2.5.1, §2.5.4). Other values stay.
struct TxtChange {
  enum class Action : std::uint8_t { add, remove };
  Action action = Action::add;
  std::string zone;
  std::string owner;
  std::string value;
  std::chrono::seconds ttl{0};
};
[[nodiscard]] base::Result<std::string> encode_update(const TxtChange& change, std::uint16_t id);
// The answer to an update says little more than its code. `wire` is attacker controlled.
[[nodiscard]] base::Result<DnsRcode> decode_update_answer(std::string_view wire, std::uint16_t id);
// A name as on the wire, in lower case, uncompressed (RFC 1035 §3.1).
[[nodiscard]] base::Result<std::string> encode_name(std::string_view name);

// Without the dot at the end, in lower case.
[[nodiscard]] std::string normal_name(std::string_view name);
// Equal to `zone` or below it. Both in the form of `normal_name`.
[[nodiscard]] bool in_zone(std::string_view name, std::string_view zone) noexcept;
// "a.b.c" → "b.c"; the root for the last label.
[[nodiscard]] std::string_view parent_name(std::string_view name) noexcept;

[[nodiscard]] std::uint16_t random_dns_id();

}  // namespace acme
