#include "acme/order_journal.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace acme {
namespace {

OrderJournal journal() {
  OrderJournal made;
  made.directory_url = "https://ca.test/dir";
  made.account_url = "https://ca.test/account/1";
  made.identifiers = identifiers_of({"a.test", "*.a.test", "192.0.2.1"});
  made.profile = "shortlived";
  made.replaces = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
  made.key_pem = "the key";
  made.order_url = "https://ca.test/order/1";
  made.begun = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  return made;
}

TEST(OrderJournal, IsNoneIfAnythingOfItIsMissingOrDamaged) {
  const nlohmann::json good = journal().to_json();
  ASSERT_TRUE(OrderJournal::from(good));
  for (const auto& [key, value] : good.items()) {
    nlohmann::json bad = good;
    bad.erase(key);
    EXPECT_FALSE(OrderJournal::from(bad)) << key;
    for (const char* other : {"null", "{}", "[]", "[7]", "-1", "true", R"([{"type":"dns"}])"}) {
      bad[key] = nlohmann::json::parse(other);
      EXPECT_FALSE(OrderJournal::from(bad)) << key << " " << other;
    }
  }
  EXPECT_FALSE(OrderJournal::from(nullptr));
  EXPECT_FALSE(OrderJournal::from(nlohmann::json::array()));
}

TEST(OrderJournal, ComesBackAsItWas) {
  for (const std::string order_url : {"", "https://ca.test/order/1"}) {
    OrderJournal before = journal();
    before.order_url = order_url;
    const auto after = OrderJournal::from(nlohmann::json::parse(before.to_json().dump()));
    ASSERT_TRUE(after);
    EXPECT_EQ(after->directory_url, before.directory_url);
    EXPECT_EQ(after->account_url, before.account_url);
    EXPECT_EQ(after->identifiers, before.identifiers);
    EXPECT_EQ(after->profile, before.profile);
    EXPECT_EQ(after->replaces, before.replaces);
    EXPECT_EQ(after->key_pem, before.key_pem);
    EXPECT_EQ(after->order_url, before.order_url);
    EXPECT_EQ(after->begun, before.begun);
  }
}

}  // namespace
}  // namespace acme
