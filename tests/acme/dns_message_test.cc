#include "acme/dns_message.h"

#include <gtest/gtest.h>

#include <random>

namespace acme {
namespace {

// The answer to `question` with the same id, as a server writes it: the question, then the given records.
std::string answer_to(std::string question, std::uint8_t answers, std::string_view records) {
  question.resize(question.size() - 11);  // the OPT record
  question[2] = static_cast<char>(0x81);
  question[3] = static_cast<char>(0x80);
  question[7] = static_cast<char>(answers);
  question[11] = 0;
  return question.append(records);
}

const DnsQuestion question{"www.example.test", DnsType::a};
const std::string address_record("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1", 16);

TEST(DnsMessage, RefusesWhatAnswersAnotherQuestion) {
  const std::string wire = answer_to(*encode_question(question, 7, true), 1, address_record);
  EXPECT_FALSE(decode_answer(wire, 8, question));
  EXPECT_FALSE(decode_answer(wire, 7, {"www.example.test", DnsType::aaaa}));
  EXPECT_FALSE(decode_answer(wire, 7, {"www.example.org", DnsType::a}));
  EXPECT_FALSE(decode_answer(*encode_question(question, 7, true), 7, question));
  EXPECT_TRUE(decode_answer(wire, 7, {"WWW.example.TEST", DnsType::a}));
}

TEST(DnsMessage, ReadsAnAnswer) {
  const auto answer = decode_answer(answer_to(*encode_question(question, 7, true), 1, address_record), 7, question);
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->code, DnsRcode::no_error);
  EXPECT_EQ(answer->contents("www.example.test", DnsType::a), std::vector<std::string>{"192.0.2.1"});
}

TEST(DnsMessage, RefusesEveryAnswerThatIsCutShort) {
  const std::string wire = answer_to(*encode_question(question, 7, true), 1, address_record);
  for (std::size_t size = 0; size < wire.size(); ++size) EXPECT_FALSE(decode_answer(wire.substr(0, size), 7, question));
}

TEST(DnsMessage, EndsOnAPointerThatPointsAtItself) {
  const std::string circle("\xc0\x22\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1", 16);
  EXPECT_FALSE(decode_answer(answer_to(*encode_question(question, 7, true), 1, circle), 7, question));
}

TEST(DnsMessage, SurvivesAnyBytes) {
  std::mt19937 random(20'261'122);  // NOLINT: the same bytes in each run
  const std::string wire = answer_to(*encode_question(question, 7, true), 1, address_record);
  for (unsigned i = 0; i < 20'000; ++i) {
    std::string changed = wire;
    for (unsigned j = 0; j < 1 + i % 4; ++j)
      changed[12 + random() % (changed.size() - 12)] = static_cast<char>(random());
    const auto answer = decode_answer(changed, 7, question);
    EXPECT_TRUE(!answer || answer->answers.size() <= 1);
  }
}

TEST(DnsMessage, BoundsTheRecordsOfAnAnswer) {
  std::string many;
  for (unsigned i = 0; i < 255; ++i) many += address_record;
  const auto answer = decode_answer(answer_to(*encode_question(question, 7, true), 255, many), 7, question);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->answers.size(), 200U);
}

TEST(DnsMessage, KnowsWhatIsInAZone) {
  EXPECT_TRUE(in_zone("example.test", "example.test"));
  EXPECT_TRUE(in_zone("a.example.test", "example.test"));
  EXPECT_TRUE(in_zone("a.test", ""));
  EXPECT_FALSE(in_zone("badexample.test", "example.test"));
  EXPECT_FALSE(in_zone("test", "example.test"));
  EXPECT_EQ(parent_name("a.b.c"), "b.c");
  EXPECT_EQ(parent_name("c"), "");
}

}  // namespace
}  // namespace acme
