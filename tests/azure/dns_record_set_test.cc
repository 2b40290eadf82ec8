#include "azure/dns_record_set.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/azure/gateway_examples.h"

namespace azure {
namespace {

using nlohmann::json;

json published() {
  return json::parse(test::azure_data("dns-2018-05-01/examples/GetTXTRecordset.json"))["responses"]["200"]["body"];
}

TEST(DnsRecordSet, RefusesWhatItCannotSendBack) {
  const std::vector<json> answers{
      json::object(),
      {{"etag", "e"}},
      {{"etag", ""}, {"properties", json::object()}},
      {{"etag", "a\r\nHost: b"}, {"properties", json::object()}},
      {{"etag", "e"}, {"properties", 1}},
      {{"etag", "e"}, {"properties", {{"TXTRecords", "a"}}}},
      {{"etag", "e"}, {"properties", {{"TXTRecords", {{{"value", "a"}}}}}}},
      {{"etag", "e"}, {"properties", {{"TXTRecords", {{{"value", {1}}}}}}}},
  };
  for (const json& answer : answers) {
    const auto set = DnsRecordSet::from(answer);
    ASSERT_FALSE(set) << answer;
    EXPECT_EQ(set.error().code, base::Code::protocol);
  }
}

TEST(DnsRecordSet, KeepsWhatOthersHaveInIt) {
  auto set = DnsRecordSet::from(published());
  ASSERT_TRUE(set);
  EXPECT_EQ(set->etag(), "00000000-0000-0000-0000-000000000000");
  EXPECT_TRUE(set->has("string1string2")) << "the strings of one record are one value";
  EXPECT_FALSE(set->has("string1"));
  ASSERT_TRUE(set->add("ours"));
  const json body = json::parse(set->body());
  const json request = json::parse(test::azure_data("dns-2018-05-01/examples/CreateOrUpdateTXTRecordset.json"));
  json expected = request["parameters"]["parameters"];
  expected["properties"]["TXTRecords"].push_back({{"value", {"ours"}}});
  EXPECT_EQ(body, expected) << "TTL and metadata as they were, and nothing that the server computes";
  EXPECT_TRUE(set->remove("ours"));
  EXPECT_FALSE(set->remove("ours"));
  EXPECT_FALSE(set->empty());
  EXPECT_TRUE(set->remove("string1string2"));
  EXPECT_TRUE(set->empty());
}

TEST(DnsRecordSet, BeginsWithATtlAlone) {
  DnsRecordSet set(std::chrono::seconds(60));
  EXPECT_TRUE(set.etag().empty());
  ASSERT_TRUE(set.add("a"));
  EXPECT_EQ(json::parse(set.body()), (json{{"properties", {{"TTL", 60}, {"TXTRecords", {{{"value", {"a"}}}}}}}}));
}

TEST(DnsRecordSet, CutsALongValueIntoStrings) {
  DnsRecordSet set(std::chrono::seconds(60));
  const std::string value(300, 'x');
  ASSERT_TRUE(set.add(value));
  const json strings = json::parse(set.body())["properties"]["TXTRecords"][0]["value"];
  ASSERT_EQ(strings.size(), 2U);
  EXPECT_EQ(strings[0].get<std::string>().size(), 255U);
  EXPECT_TRUE(set.has(value));
  EXPECT_EQ(set.add(std::string(1025, 'x')).error().code, base::Code::too_large);
  EXPECT_EQ(set.add("").error().code, base::Code::too_large);
}

TEST(DnsRecordSet, TakesTwentyRecordsAndNoMore) {
  DnsRecordSet set(std::chrono::seconds(60));
  for (std::size_t i = 0; i < DnsRecordSet::most_records; ++i) ASSERT_TRUE(set.add(std::to_string(i)));
  const auto more = set.add("more");
  ASSERT_FALSE(more);
  EXPECT_NE(more.error().what.find("20"), std::string::npos);
}

}  // namespace
}  // namespace azure
