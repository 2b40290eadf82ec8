#include "acme/caa.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/ascii.h"

namespace acme {
namespace {

constexpr std::uint8_t critical = 128;  // RFC 8659 §4.1.1
constexpr std::array<std::string_view, 7> known_tags{"issue",        "issuewild",    "iodef",   "issuemail",
                                                     "contactemail", "contactphone", "issuevmc"};

struct IssueValue {
  std::string domain;  // lower case; empty: nobody may issue
  std::vector<std::pair<std::string, std::string>> parameters;
  [[nodiscard]] std::size_t count(std::string_view tag) const {
    return static_cast<std::size_t>(std::ranges::count(parameters, tag, &std::pair<std::string, std::string>::first));
  }
  [[nodiscard]] std::string value(std::string_view tag) const {
    const auto found = std::ranges::find(parameters, tag, &std::pair<std::string, std::string>::first);
    return found == parameters.end() ? std::string() : found->second;
  }
};

bool is_token(std::string_view text, std::string_view more) {
  return !text.empty() && std::ranges::all_of(text, [more](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || more.contains(c);
  });
}

// RFC 8659 §4.2: what does not follow the grammar is taken as if it named no issuer.
std::optional<IssueValue> issue_value_of(std::string_view text) {
  IssueValue value;
  std::size_t end = text.find(';');
  const std::string_view domain = base::trimmed(text.substr(0, end), " \t");
  if (!domain.empty() && !is_token(domain, "-.")) return std::nullopt;
  value.domain = normal_name(domain);
  while (end != std::string_view::npos) {
    text.remove_prefix(end + 1);
    end = text.find(';');
    const std::string_view parameter = base::trimmed(text.substr(0, end), " \t");
    if (parameter.empty() && end == std::string_view::npos) break;  // `;` alone, or at the end
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view tag = base::trimmed(parameter.substr(0, equals), " \t");
    const std::string_view content = base::trimmed(parameter.substr(equals + 1), " \t");
    const bool printable = std::ranges::all_of(content, [](char c) { return c > 0x20 && c < 0x7f; });
    if (!is_token(tag, "-") || !printable) return std::nullopt;
    value.parameters.emplace_back(normal_name(tag), content);
  }
  return value;
}

bool lists(std::string_view methods, std::string_view method) {
  while (true) {
    const std::size_t comma = methods.find(',');
    if (base::trimmed(methods.substr(0, comma), " \t") == method) return true;
    if (comma == std::string_view::npos) return false;
    methods.remove_prefix(comma + 1);
  }
}

// Empty: this record allows it. Else what is against it.
std::string objection(const ResourceRecord& record, const CaaRequest& request) {
  const std::string shown = fmt::format("{} \"{}\"", record.caa_tag, record.content.substr(0, 200));
  const auto value = issue_value_of(record.content);
  if (!value) return shown + " is malformed";
  const bool ours = std::ranges::any_of(request.identities, [&](const std::string& identity) {
    return !value->domain.empty() && normal_name(identity) == value->domain;
  });
  if (!ours) return shown + " is not for this CA";
  // RFC 8657 §3: more than one accounturi is as one that no account has.
  if (value->count("accounturi") > 1) return shown + " names more than one account";
  if (value->count("accounturi") == 1 && value->value("accounturi") != request.account_url) {
    return shown + " is for another account than " + (request.account_url.empty() ? "ours" : request.account_url);
  }
  // RFC 8657 §4.
  if (value->count("validationmethods") > 1) return shown + " lists its methods more than once";
  if (value->count("validationmethods") == 1 && !lists(value->value("validationmethods"), request.method)) {
    return shown + " does not allow " + request.method;
  }
  return {};
}

}  // namespace

CaaDecision decide_caa(const std::vector<ResourceRecord>& records, const CaaRequest& request) {
  std::vector<const ResourceRecord*> issue;
  std::vector<const ResourceRecord*> issue_wild;
  for (const ResourceRecord& record : records) {
    if (record.type != DnsType::caa) continue;
    const bool known = std::ranges::find(known_tags, record.caa_tag) != known_tags.end();
    // RFC 8659 §4.1.1: what a CA does not understand and is critical forbids.
    if (!known && (record.caa_flags & critical) != 0) {
      return {false, fmt::format("the critical property \"{}\" is not one that CAs know", record.caa_tag)};
    }
    if (record.caa_tag == "issue") issue.push_back(&record);
    if (record.caa_tag == "issuewild") issue_wild.push_back(&record);
  }
  // RFC 8659 §4.3: issuewild, where there is one, is all that counts for a wildcard, and counts for nothing else.
  const auto& relevant = request.wildcard && !issue_wild.empty() ? issue_wild : issue;
  if (relevant.empty()) return {true, "no CAA record restricts it"};
  std::vector<std::string> against;
  for (const ResourceRecord* record : relevant) {
    std::string why = objection(*record, request);
    if (why.empty()) return {true, fmt::format("{} \"{}\"", record->caa_tag, record->content.substr(0, 200))};
    if (against.size() < 5) against.push_back(std::move(why));
  }
  return {false, fmt::format("{}", fmt::join(against, "; "))};
}

base::Result<RelevantCaa> find_caa(const DnsLookup& lookup, const std::string& name, const std::stop_token& stop) {
  const std::string whole = normal_name(name);
  for (std::string_view at = whole; !at.empty(); at = parent_name(at)) {
    const auto answer = lookup.ask({std::string(at), DnsType::caa}, stop);
    if (!answer) return std::unexpected(answer.error());
    RelevantCaa found{std::string(at), {}};
    // Also those that the resolver found behind a CNAME of this name (RFC 8659 §3).
    std::ranges::copy_if(answer->answers, std::back_inserter(found.records),
                         [](const ResourceRecord& record) { return record.type == DnsType::caa; });
    if (!found.records.empty()) return found;
  }
  return RelevantCaa{};
}

}  // namespace acme
