#include "acme/dns_message.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/ip_network.h"
#include "base/openssl.h"

// Last, and without the words of C++ that it takes for macros of C.
#include <ldns/ldns.h>
#undef bool
#undef false
#undef true

namespace acme {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::size_t longest_message = 65'535;
constexpr std::size_t most_records = 200;
constexpr std::uint16_t datagram_size = 1232;  // RFC 9715: no fragmentation on any usual path

using PacketPtr = std::unique_ptr<ldns_pkt, base::Freed<ldns_pkt_free>>;
using RecordPtr = std::unique_ptr<ldns_rr, base::Freed<ldns_rr_free>>;
using DataPtr = std::unique_ptr<ldns_rdf, base::Freed<ldns_rdf_deep_free>>;
using TextPtr = std::unique_ptr<char, base::Freed<std::free>>;
using BytesPtr = std::unique_ptr<std::uint8_t, base::Freed<std::free>>;

base::Result<DataPtr> name_from(std::string_view name) {
  const std::string absolute = normal_name(name) + ".";
  ldns_rdf* data = nullptr;
  if (name.find('\0') != std::string_view::npos || ldns_str2rdf_dname(&data, absolute.c_str()) != LDNS_STATUS_OK) {
    return base::fail(base::Code::invalid, fmt::format("\"{}\" is not a DNS name", name.substr(0, 256)));
  }
  return DataPtr(data);
}

std::string text_of(const ldns_rdf* name) {
  const TextPtr text(ldns_rdf2str(name));
  return text ? normal_name(text.get()) : std::string();
}

std::string_view bytes_of(const ldns_rdf* data) {
  return {reinterpret_cast<const char*>(ldns_rdf_data(data)), ldns_rdf_size(data)};
}

base::Result<std::string> to_wire(const ldns_pkt* packet) {
  std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  if (ldns_pkt2wire(&bytes, packet, &size) != LDNS_STATUS_OK) {
    return base::fail(base::Code::invalid, "a DNS message could not be built");
  }
  const BytesPtr owned(bytes);
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

base::Result<PacketPtr> packet_of(std::string_view wire, std::uint16_t id) {
  ldns_pkt* parsed = nullptr;
  if (wire.size() > longest_message || !answers_id(wire, id)) {
    return base::fail(base::Code::protocol, "not an answer to this question", base::Origin::control,
                      base::Retry::later);
  }
  if (ldns_wire2pkt(&parsed, reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()) != LDNS_STATUS_OK) {
    return base::fail(base::Code::protocol, "a malformed DNS message", base::Origin::control, base::Retry::later);
  }
  return PacketPtr(parsed);
}

DnsRcode code_of(const ldns_pkt* packet) {
  // RFC 6891 §6.1.3: the upper eight bits are in the OPT record.
  const unsigned upper = ldns_pkt_edns(packet) ? ldns_pkt_edns_extended_rcode(packet) : 0U;
  return static_cast<DnsRcode>((upper << 4U) | static_cast<unsigned>(ldns_pkt_get_rcode(packet)));
}

std::string address_text(std::string_view bytes) {
  if (bytes.size() == 4) {
    std::uint32_t host_order = 0;
    for (const char byte : bytes) host_order = (host_order << 8U) | static_cast<unsigned char>(byte);
    return base::IpAddress::v4(host_order).to_string();
  }
  std::array<std::uint8_t, 16> whole{};
  if (bytes.size() == whole.size()) std::ranges::copy(bytes, whole.begin());
  return base::IpAddress::v6(whole).to_string();
}

// Without the length that stands before a character string (RFC 1035 §3.3).
std::string_view character_string(const ldns_rdf* data) {
  const std::string_view bytes = bytes_of(data);
  return bytes.empty() ? bytes : bytes.substr(1, static_cast<unsigned char>(bytes.front()));
}

std::optional<ResourceRecord> record_of(const ldns_rr* rr) {
  ResourceRecord record;
  record.owner = text_of(ldns_rr_owner(rr));
  record.ttl = ldns_rr_ttl(rr);
  const std::size_t count = ldns_rr_rd_count(rr);
  if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN || count == 0) return std::nullopt;
  const ldns_rdf* first = ldns_rr_rdf(rr, 0);
  switch (ldns_rr_get_type(rr)) {
    case LDNS_RR_TYPE_A:
    case LDNS_RR_TYPE_AAAA:
      record.type = ldns_rr_get_type(rr) == LDNS_RR_TYPE_A ? DnsType::a : DnsType::aaaa;
      record.content = address_text(bytes_of(first));
      return record;
    case LDNS_RR_TYPE_NS:
      record.type = DnsType::ns;
      record.content = text_of(first);
      return record;
    case LDNS_RR_TYPE_CNAME:
      record.type = DnsType::cname;
      record.content = text_of(first);
      return record;
    case LDNS_RR_TYPE_SOA:
      record.type = DnsType::soa;
      record.content = text_of(first);
      return record;
    case LDNS_RR_TYPE_TXT:
      record.type = DnsType::txt;
      for (std::size_t i = 0; i < count; ++i) record.content += character_string(ldns_rr_rdf(rr, i));
      return record;
    case LDNS_RR_TYPE_CAA:
      if (count != 3) return std::nullopt;
      record.type = DnsType::caa;
      record.caa_flags = bytes_of(first).empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(bytes_of(first)[0]);
      record.caa_tag = normal_name(character_string(ldns_rr_rdf(rr, 1)));
      record.content = bytes_of(ldns_rr_rdf(rr, 2));
      return record;
    default:
      return std::nullopt;
  }
}

std::vector<ResourceRecord> records_of(const ldns_rr_list* list) {
  std::vector<ResourceRecord> records;
  const std::size_t count = list == nullptr ? 0 : ldns_rr_list_rr_count(list);
  for (std::size_t i = 0; i < count && records.size() < most_records; ++i) {
    if (auto record = record_of(ldns_rr_list_rr(list, i))) records.push_back(*std::move(record));
  }
  return records;
}

bool asks(const ldns_pkt* packet, const DnsQuestion& question) {
  const ldns_rr_list* list = ldns_pkt_question(packet);
  if (list == nullptr || ldns_rr_list_rr_count(list) != 1) return false;
  const ldns_rr* asked = ldns_rr_list_rr(list, 0);
  return static_cast<unsigned>(ldns_rr_get_type(asked)) == static_cast<unsigned>(question.type) &&
         ldns_rr_get_class(asked) == LDNS_RR_CLASS_IN && text_of(ldns_rr_owner(asked)) == normal_name(question.name);
}

bool push_txt(ldns_rr* record, std::string_view value) {
  constexpr std::size_t longest = 255;  // RFC 1035 §3.3.14
  do {
    const std::string_view part = value.substr(0, longest);
    value.remove_prefix(part.size());
    const std::string string = static_cast<char>(part.size()) + std::string(part);
    DataPtr data(ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, string.size(), string.data()));
    if (!data || !ldns_rr_push_rdf(record, data.get())) return false;
    static_cast<void>(data.release());
  } while (!value.empty());
  return true;
}

}  // namespace

std::string_view to_string(DnsType type) noexcept {
  switch (type) {
    case DnsType::a:
      return "A";
    case DnsType::ns:
      return "NS";
    case DnsType::cname:
      return "CNAME";
    case DnsType::soa:
      return "SOA";
    case DnsType::txt:
      return "TXT";
    case DnsType::aaaa:
      return "AAAA";
    case DnsType::caa:
      return "CAA";
  }
  return "?";
}

std::string to_string(DnsRcode code) {
  switch (code) {
    case DnsRcode::no_error:
      return "NOERROR";
    case DnsRcode::format_error:
      return "FORMERR";
    case DnsRcode::server_failure:
      return "SERVFAIL";
    case DnsRcode::name_error:
      return "NXDOMAIN";
    case DnsRcode::not_implemented:
      return "NOTIMP";
    case DnsRcode::refused:
      return "REFUSED";
    case DnsRcode::not_auth:
      return "NOTAUTH";
    case DnsRcode::not_zone:
      return "NOTZONE";
  }
  return fmt::format("RCODE {}", static_cast<unsigned>(code));
}

std::vector<std::string> DnsAnswer::contents(std::string_view owner, DnsType type) const {
  std::vector<std::string> found;
  for (const ResourceRecord& record : answers) {
    if (record.type == type && record.owner == owner) found.push_back(record.content);
  }
  return found;
}

base::Result<std::string> encode_question(const DnsQuestion& question, std::uint16_t id, bool recursion_desired) {
  auto name = name_from(question.name);
  if (!name) return std::unexpected(std::move(name).error());
  const PacketPtr packet(ldns_pkt_query_new(name->release(), static_cast<ldns_rr_type>(question.type), LDNS_RR_CLASS_IN,
                                            recursion_desired ? LDNS_RD : std::uint16_t{0}));
  if (!packet) return base::fail(base::Code::invalid, "a DNS question could not be built");
  ldns_pkt_set_id(packet.get(), id);
  ldns_pkt_set_edns_udp_size(packet.get(), datagram_size);
  return to_wire(packet.get());
}

bool answers_id(std::string_view wire, std::uint16_t id) noexcept {
  if (wire.size() < header_size) return false;
  const auto byte = [wire](std::size_t at) { return static_cast<unsigned char>(wire[at]); };
  return ((byte(0) << 8U) | byte(1)) == id && (byte(2) & 0x80U) != 0;
}

base::Result<DnsAnswer> decode_answer(std::string_view wire, std::uint16_t id, const DnsQuestion& question) {
  const auto packet = packet_of(wire, id);
  if (!packet) return std::unexpected(packet.error());
  const ldns_pkt* read = packet->get();
  DnsAnswer answer;
  answer.code = code_of(read);
  answer.authoritative = ldns_pkt_aa(read);
  answer.truncated = ldns_pkt_tc(read);
  // Servers that do not understand a message may send its header back alone.
  const bool bare = answer.code != DnsRcode::no_error && ldns_pkt_qdcount(read) == 0;
  if (!bare && !asks(read, question)) {
    return base::fail(base::Code::protocol, "an answer to another question", base::Origin::control, base::Retry::later);
  }
  answer.answers = records_of(ldns_pkt_answer(read));
  answer.authority = records_of(ldns_pkt_authority(read));
  return answer;
}

base::Result<std::string> encode_update(const TxtChange& change, std::uint16_t id) {
  auto zone = name_from(change.zone);
  auto owner = name_from(change.owner);
  if (!zone) return std::unexpected(std::move(zone).error());
  if (!owner) return std::unexpected(std::move(owner).error());
  // RFC 2136 §2.3: the zone stands where a question would, with type SOA.
  const PacketPtr packet(ldns_pkt_query_new(zone->release(), LDNS_RR_TYPE_SOA, LDNS_RR_CLASS_IN, 0));
  RecordPtr record(ldns_rr_new());
  if (!packet || !record) return base::fail(base::Code::internal, "a DNS update could not be built");
  ldns_pkt_set_id(packet.get(), id);
  ldns_pkt_set_opcode(packet.get(), LDNS_PACKET_UPDATE);
  const bool add = change.action == TxtChange::Action::add;
  ldns_rr_set_owner(record.get(), owner->release());
  ldns_rr_set_type(record.get(), LDNS_RR_TYPE_TXT);
  // RFC 2136 §2.5.4: class NONE and TTL 0 delete one record of a set.
  ldns_rr_set_class(record.get(), add ? LDNS_RR_CLASS_IN : LDNS_RR_CLASS_NONE);
  ldns_rr_set_ttl(record.get(), add ? static_cast<std::uint32_t>(change.ttl.count()) : 0U);
  if (!push_txt(record.get(), change.value) || !ldns_pkt_push_rr(packet.get(), LDNS_SECTION_AUTHORITY, record.get())) {
    return base::fail(base::Code::internal, "a DNS update could not be built");
  }
  static_cast<void>(record.release());
  return to_wire(packet.get());
}

base::Result<DnsRcode> decode_update_answer(std::string_view wire, std::uint16_t id) {
  const auto packet = packet_of(wire, id);
  if (!packet) return std::unexpected(packet.error());
  if (ldns_pkt_get_opcode(packet->get()) != LDNS_PACKET_UPDATE) {
    return base::fail(base::Code::protocol, "an answer to something else than an update");
  }
  return code_of(packet->get());
}

base::Result<std::string> encode_name(std::string_view name) {
  const auto data = name_from(normal_name(name));
  if (!data) return std::unexpected(data.error());
  return std::string(bytes_of(data->get()));
}

std::string normal_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string lower(name);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

bool in_zone(std::string_view name, std::string_view zone) noexcept {
  if (zone.empty() || name == zone) return true;
  return name.size() > zone.size() && name.ends_with(zone) && name[name.size() - zone.size() - 1] == '.';
}

std::string_view parent_name(std::string_view name) noexcept {
  const std::size_t dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

std::uint16_t random_dns_id() {
  std::array<unsigned char, 2> bytes{};
  RAND_bytes(bytes.data(), bytes.size());
  return static_cast<std::uint16_t>((bytes[0] << 8U) | bytes[1]);
}

}  // namespace acme
