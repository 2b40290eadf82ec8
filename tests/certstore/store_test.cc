#include "certstore/store.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/mint.h"

namespace certstore {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using test::KeyKind;

const base::SystemTime start = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);

struct Wanted {
  std::vector<std::string> names;
  days from{-10};
  days to{80};
  KeyKind key = KeyKind::ec_p256;
};

CertificatePtr mint(const Wanted& wanted) {
  const test::Minted minted = test::self_signed(
      {.names = wanted.names, .key = wanted.key, .not_before = start + wanted.from, .not_after = start + wanted.to});
  return *Certificate::from_pem(minted.certificate_pem(), minted.key_pem());
}

Candidate good(const std::string& id, CertificatePtr certificate, bool is_default = false) {
  return {.id = id, .certificate = std::move(certificate), .file_path = id, .is_default = is_default};
}

Candidate bad(const std::string& id, const std::string& why) {
  return {.id = id, .certificate = base::fail(base::Code::invalid, why), .file_path = id};
}

class StoreTest : public testing::Test {
 protected:
  [[nodiscard]] CertificatePtr served(std::string_view name) const {
    const CertPair* pair = store_.index()->find(name);
    if (pair == nullptr) return nullptr;
    return pair->ecdsa ? pair->ecdsa : pair->rsa;
  }
  [[nodiscard]] CertificateStatus status(const std::string& id) const {
    for (const CertificateStatus& one : store_.status()) {
      if (one.id == id) return one;
    }
    return {};
  }

  void let_parted_go() {
    clock_.advance(Store::parting);
    store_.tick();
  }

  base::FakeClock clock_{start};
  int published_ = 0;
  Store store_{clock_, [this](const std::shared_ptr<const CertIndex>&) { ++published_; }};
};

TEST_F(StoreTest, KeepsTheLastGoodOneWhenANewVersionIsRefused) {
  const Report report = store_.reporter("files");
  const CertificatePtr first = mint({.names = {"a.example.com"}});
  report({good("a", first)});
  report({bad("a", "the private key does not match the certificate")});
  report({bad("a", "the private key does not match the certificate")});
  EXPECT_EQ(served("a.example.com"), first);
  EXPECT_EQ(status("a").problem, "the private key does not match the certificate");
  EXPECT_EQ(status("a").serving, first);
  EXPECT_EQ(store_.counters().refused, 1U);
  EXPECT_EQ(published_, 1);
  const CertificatePtr second = mint({.names = {"a.example.com"}, .from = days(-1)});
  report({good("a", second)});
  EXPECT_EQ(served("a.example.com"), second);
  EXPECT_EQ(status("a").problem, "");
}

TEST_F(StoreTest, KeepsAValidOneWhenTheNewVersionHasExpiredOrIsNotYetValid) {
  const Report report = store_.reporter("files");
  const CertificatePtr first = mint({.names = {"a.example.com"}, .to = days(20)});
  report({good("a", first)});
  report({good("a", mint({.names = {"a.example.com"}, .to = days(-3)}))});
  EXPECT_EQ(served("a.example.com"), first);
  EXPECT_EQ(status("a").problem, "expired 3 days ago; the version before is served");
  const CertificatePtr future = mint({.names = {"a.example.com"}, .from = days(10)});
  report({good("a", future)});
  EXPECT_EQ(served("a.example.com"), first);
  EXPECT_EQ(status("a").problem, "not valid until 2026-03-11T00:00:00Z; the version before is served");
  clock_.advance(days(10));
  store_.tick();
  EXPECT_EQ(served("a.example.com"), future);
  EXPECT_EQ(status("a").problem, "");
}

TEST_F(StoreTest, LetsGoOfACandidateThatIsGoneAndOfAForgottenSource) {
  const Report report = store_.reporter("files");
  const CertificatePtr other = mint({.names = {"b.example.com"}});
  report({good("a", mint({.names = {"a.example.com"}})), good("b", other)});
  report({good("b", other)});
  let_parted_go();
  EXPECT_EQ(served("a.example.com"), nullptr);
  EXPECT_EQ(served("b.example.com"), other);
  store_.forget("files");
  EXPECT_EQ(served("b.example.com"), nullptr);
  EXPECT_EQ(store_.index()->size(), 0U);
  report({good("b", other)});
  EXPECT_EQ(served("b.example.com"), nullptr) << "a forgotten source still reports";
}

TEST_F(StoreTest, ShowsWhatIsWithdrawnForNotAnotherMoment) {
  const Report report = store_.reporter("files");
  const CertificatePtr known_to_others = mint({.names = {"a.example.com"}});
  const CertificatePtr fresh = mint({.names = {"a.example.com"}, .from = days(-20)});
  Change withdrawn = Change::some({}, {"a"});
  withdrawn.withdrawn = {"a", "never there"};
  report({good("a", known_to_others, true)});
  report(withdrawn);
  EXPECT_EQ(served("a.example.com"), nullptr);
  EXPECT_EQ(store_.index()->fallback(), nullptr);
  report({good("a", known_to_others, true)});
  withdrawn = Change::some({good("a", fresh)}, {});
  withdrawn.withdrawn = {"a"};
  report(withdrawn);
  EXPECT_EQ(served("a.example.com"), fresh) << "although the other is the newer one";
}

TEST_F(StoreTest, ServesWhatIsRemovedAndWrittenAnewWithoutAGap) {
  const Report report = store_.reporter("files");
  const CertificatePtr first = mint({.names = {"a.example.com"}});
  report({good("a", first, true)});
  for (const Change& gone : {Change::some({}, {"a"}), Change()}) {
    report(gone);
    report(gone);
    clock_.advance(Store::parting - 1ns);
    store_.tick();
    EXPECT_EQ(served("a.example.com"), first);
    ASSERT_NE(store_.index()->fallback(), nullptr);
    EXPECT_EQ(store_.index()->fallback()->ecdsa, first);
    EXPECT_EQ(status("a").problem, "is no longer there, and is let go of in a moment");
    report(Change::some({good("a", first, true)}, {}));
    clock_.advance(1ns);
    store_.tick();
    EXPECT_EQ(served("a.example.com"), first) << "it has come back";
    EXPECT_EQ(status("a").problem, "");
  }
  EXPECT_EQ(published_, 1) << "nothing changed for anybody";
  report({});
  const CertificatePtr second = mint({.names = {"a.example.com"}, .from = days(-20)});
  report({good("other file", second)});
  EXPECT_EQ(served("a.example.com"), second) << "what is there comes before what was taken away";
  let_parted_go();
  EXPECT_EQ(store_.status().size(), 1U);
}

TEST_F(StoreTest, LeavesNoNameToWhatIsGoneWhileAnythingElseIsValid) {
  const Report report = store_.reporter("files");
  const CertificatePtr gone = mint({.names = {"a.example.com", "b.example.com"}});
  const CertificatePtr expired = mint({.names = {"a.example.com"}, .to = days(-1)});
  const CertificatePtr wildcard = mint({.names = {"*.example.com"}});
  report({good("gone", gone), good("expired", expired)});
  report(Change::some({}, {"gone"}));
  EXPECT_EQ(served("a.example.com"), gone) << "rather than an expired one";
  EXPECT_EQ(served("b.example.com"), gone);
  report(Change::some({good("wildcard", wildcard)}, {}));
  EXPECT_EQ(served("a.example.com"), wildcard);
  EXPECT_EQ(served("b.example.com"), wildcard);
  store_.tick();
  clock_.advance(-days(1));
  store_.tick();
  let_parted_go();
  EXPECT_EQ(status("gone").id, "") << "a clock that was set back does not keep it";
}

TEST_F(StoreTest, ShowsARestrictedOneForNothingElseThanItsHosts) {
  Candidate restricted = good("Secret shop/web", mint({{"*.example.com", "example.org"}}));
  restricted.only_for = std::vector<std::string>{"www.example.com", "other.example.net"};
  const Report report = store_.reporter("secrets");
  report(Change::some({restricted}, {}));
  EXPECT_NE(served("www.example.com"), nullptr);
  for (const char* name : {"api.example.com", "example.org", "other.example.net"})
    EXPECT_EQ(served(name), nullptr) << name;
  EXPECT_EQ(store_.index()->fallback(), nullptr) << "a client without a name must not see it";

  restricted.only_for = std::vector<std::string>{"api.example.com"};
  report(Change::some({restricted}, {}));
  EXPECT_EQ(served("www.example.com"), nullptr);
  EXPECT_NE(served("api.example.com"), nullptr);

  restricted.only_for = std::vector<std::string>{"other.example.net"};
  report(Change::some({restricted}, {}));
  EXPECT_EQ(store_.index()->size(), 0);
  EXPECT_EQ(status("Secret shop/web").problem, "it is for none of the hosts that it may be shown for");
}

TEST_F(StoreTest, CountsWhatASourceRefusedByReason) {
  const Report report = store_.reporter("files");
  const Report other = store_.reporter("other");
  report({bad("a", "no PEM"), bad("b", "no key")});
  report({bad("a", "no PEM"), {.id = "b", .certificate = base::fail(base::Code::io, "denied"), .file_path = "b"}});
  const Store::Counters counters = store_.counters();
  EXPECT_EQ(counters.refused, 3U);
  ASSERT_EQ(counters.sources.size(), 2U);
  EXPECT_EQ(counters.sources[0].source, "files");
  EXPECT_EQ(counters.sources[0].refused,
            (std::map<base::Code, std::uint64_t>{{base::Code::invalid, 2}, {base::Code::io, 1}}));
  EXPECT_TRUE(counters.sources[1].refused.empty());
}

TEST_F(StoreTest, HandsCertificatesOverToTheNewReporterOfTheSameSource) {
  const Report old = store_.reporter("files");
  const CertificatePtr first = mint({.names = {"a.example.com"}});
  old({good("a", first)});
  const Report report = store_.reporter("files");
  EXPECT_EQ(served("a.example.com"), first);
  old({});
  EXPECT_EQ(served("a.example.com"), first);
  report({bad("a", "cannot be read")});
  EXPECT_EQ(served("a.example.com"), first);
}

TEST_F(StoreTest, ServesAnExpiredOneOnlyWhileThereIsNothingBetter) {
  const Report report = store_.reporter("files");
  const CertificatePtr expired = mint({.names = {"a.example.com", "b.example.com"}, .to = days(-3)});
  report({good("old", expired)});
  EXPECT_EQ(served("a.example.com"), expired);
  EXPECT_EQ(status("old").problem, "expired 3 days ago");
  const CertificatePtr valid = mint({.names = {"a.example.com"}});
  report({good("new", valid), good("old", expired)});
  EXPECT_EQ(served("a.example.com"), valid);
  EXPECT_EQ(served("b.example.com"), expired);
}

TEST_F(StoreTest, PrefersAValidWildcardOverAnExpiredExactName) {
  const Report report = store_.reporter("files");
  const CertificatePtr exact = mint({.names = {"www.example.com"}, .to = days(5)});
  const CertificatePtr wildcard = mint({.names = {"*.example.com"}, .to = days(50)});
  report({good("exact", exact), good("wildcard", wildcard)});
  EXPECT_EQ(served("www.example.com"), exact);
  clock_.advance(days(6));
  store_.tick();
  EXPECT_EQ(served("www.example.com"), wildcard);
  report({good("exact", exact)});
  EXPECT_EQ(served("www.example.com"), exact) << "expired, but there is nothing else";
  report({good("exact", exact), good("wildcard", wildcard)});
  EXPECT_EQ(served("www.example.com"), wildcard);
}

TEST_F(StoreTest, PrefersTheLaterStartAmongValidOnes) {
  const Report one = store_.reporter("one");
  const Report two = store_.reporter("two");
  const CertificatePtr older = mint({.names = {"a.example.com"}, .from = days(-20), .to = days(300)});
  const CertificatePtr newer = mint({.names = {"a.example.com"}, .from = days(-5)});
  one({good("newer", newer)});
  two({good("older", older)});
  EXPECT_EQ(served("a.example.com"), newer);
  EXPECT_EQ(status("older").serving, nullptr);
  EXPECT_EQ(status("older").certificate, older);
  EXPECT_EQ(status("older").problem, "another certificate serves its names");
}

TEST_F(StoreTest, KeepsRsaAndEcdsaForOneNameUnlessOneIsWorse) {
  const Report report = store_.reporter("files");
  const CertificatePtr ecdsa = mint({.names = {"a.example.com"}, .to = days(5)});
  const CertificatePtr rsa = mint({.names = {"a.example.com"}, .key = KeyKind::rsa_2048});
  report({good("ecdsa", ecdsa), good("rsa", rsa)});
  EXPECT_EQ(*store_.index()->find("a.example.com"), (CertPair{ecdsa, rsa}));
  clock_.advance(days(6));
  store_.tick();
  EXPECT_EQ(*store_.index()->find("a.example.com"), (CertPair{nullptr, rsa}));
}

TEST_F(StoreTest, FallsBackToTheDefaultOrElseToTheFirst) {
  const Report report = store_.reporter("files");
  EXPECT_EQ(store_.index()->fallback(), nullptr);
  const CertificatePtr first = mint({.names = {"a.example.com"}});
  const CertificatePtr second = mint({.names = {"b.example.com"}});
  report({good("a", first), good("b", second)});
  EXPECT_EQ(store_.index()->fallback()->ecdsa, first);
  report({good("a", first), good("b", second, true)});
  EXPECT_EQ(store_.index()->fallback()->ecdsa, second);
  EXPECT_TRUE(status("b").is_default);
}

TEST_F(StoreTest, UsesACertificateWithoutTheNamesThatAreNone) {
  const Report report = store_.reporter("files");
  report({good("a", mint({.names = {"a.example.com", "not a name"}}))});
  EXPECT_NE(served("a.example.com"), nullptr);
  EXPECT_EQ(status("a").problem, "names dropped: not a name");
}

TEST_F(StoreTest, PublishesNothingWhenNothingChanged) {
  const Report report = store_.reporter("files");
  const CertificatePtr first = mint({.names = {"a.example.com"}});
  report({good("a", first)});
  const auto index = store_.index();
  report({good("a", first)});
  const auto same = Certificate::from_pem(first->chain_pem(), first->key_pem());
  report({good("a", *same)});
  store_.tick();
  EXPECT_EQ(published_, 1);
  EXPECT_EQ(store_.index(), index);
  EXPECT_EQ(store_.counters().accepted, 1U);
}

// One object under many names stands for many certificates: what counts is the work per name.
TEST_F(StoreTest, ReplacesOneOfTenThousandWithoutTouchingTheRest) {
  const Report report = store_.reporter("files");
  std::vector<CertificatePtr> few;
  for (int i = 0; i < 8; ++i) few.push_back(mint({.names = {"host" + std::to_string(i) + ".example.com"}}));
  std::vector<Candidate> all;
  for (int i = 0; i < 10'000; ++i)
    all.push_back(good("id" + std::to_string(100'000 + i), few[static_cast<std::size_t>(i % 8)]));
  report(all);
  const CertificatePtr untouched = served("host1.example.com");
  all[0] = good(all[0].id, mint({.names = {"new.example.com"}}));
  report(all);
  EXPECT_NE(served("new.example.com"), nullptr);
  EXPECT_NE(served("host0.example.com"), nullptr) << "1,249 other candidates have this name";
  EXPECT_EQ(served("host1.example.com"), untouched);
  EXPECT_EQ(published_, 2);
}

TEST_F(StoreTest, TakesAChangeOfSomeAndLeavesTheOthersAsTheyAre) {
  const Report report = store_.reporter("files");
  const CertificatePtr first = mint({.names = {"a.example.com"}});
  const CertificatePtr second = mint({.names = {"b.example.com"}});
  report({good("a", first), good("b", second, true), good("c", mint({.names = {"c.example.com"}}))});
  const CertificatePtr fresh = mint({.names = {"a.example.com"}, .from = days(-1)});
  report(Change::some({good("a", fresh)}, {"c", "never was"}));
  let_parted_go();
  EXPECT_EQ(served("a.example.com"), fresh);
  EXPECT_EQ(served("b.example.com"), second);
  EXPECT_EQ(served("c.example.com"), nullptr);
  EXPECT_EQ(store_.index()->fallback()->ecdsa, second);
  report(Change::some({bad("a", "cannot be read")}, {"b"}));
  let_parted_go();
  EXPECT_EQ(served("a.example.com"), fresh);
  EXPECT_EQ(status("a").problem, "cannot be read");
  EXPECT_EQ(store_.index()->fallback()->ecdsa, fresh) << "the one marked as default is gone";
  report(Change::some({}, {}));
  EXPECT_EQ(store_.status().size(), 1U);
}

TEST_F(StoreTest, LetsATickPassByWhatIsGone) {
  const Report report = store_.reporter("files");
  report({good("a", mint({.names = {"a.example.com"}, .to = days(5)}))});
  report(Change::some({}, {"a"}));
  report({good("b", mint({.names = {"b.example.com"}, .to = days(5)}))});
  store_.forget("files");
  clock_.advance(days(6));
  store_.tick();
  EXPECT_EQ(store_.index()->size(), 0U);
}

TEST_F(StoreTest, ServesUntilTheLastInstantAndFromTheFirst) {
  const Report report = store_.reporter("files");
  const CertificatePtr ending = mint({.names = {"a.example.com"}, .from = days(-10), .to = days(5)});
  const CertificatePtr coming = mint({.names = {"a.example.com"}, .from = days(7), .to = days(9)});
  report({good("ending", ending), good("coming", coming)});
  clock_.advance(days(5));
  store_.tick();
  EXPECT_EQ(served("a.example.com"), ending);
  clock_.advance(1ns);
  store_.tick();
  EXPECT_EQ(served("a.example.com"), coming) << "not yet valid is better than expired";
  clock_.advance(days(2) - 1ns);
  store_.tick();
  EXPECT_EQ(status("coming").problem, "");
}

TEST_F(StoreTest, ChoosesAgainWhenTheClockIsSetBack) {
  const Report report = store_.reporter("files");
  const CertificatePtr exact = mint({.names = {"a.example.com"}, .to = days(5)});
  const CertificatePtr wildcard = mint({.names = {"*.example.com"}, .to = days(50)});
  report({good("exact", exact), good("wildcard", wildcard)});
  clock_.advance(days(6));
  store_.tick();
  EXPECT_EQ(served("a.example.com"), wildcard);
  clock_.advance(-days(3));
  store_.tick();
  EXPECT_EQ(served("a.example.com"), exact);
  clock_.advance(days(3));
  store_.tick();
  EXPECT_EQ(served("a.example.com"), wildcard);
}

TEST_F(StoreTest, ShowsAStandInOnlyWhereNothingElseIsValid) {
  const Report issuers = store_.reporter("issuers");
  const CertificatePtr stand_in = mint({.names = {"a.example.com"}});
  issuers({{.id = "a until it is issued", .certificate = stand_in, .file_path = {}, .stand_in = true}});
  EXPECT_EQ(served("a.example.com"), stand_in);
  EXPECT_NE(store_.index()->fallback(), nullptr);
  const Report files = store_.reporter("files");
  const CertificatePtr wildcard = mint({.names = {"*.example.com"}, .to = days(20)});
  files({good("w", wildcard)});
  EXPECT_EQ(served("a.example.com"), wildcard);
  clock_.advance(days(21));
  store_.tick();
  EXPECT_EQ(served("a.example.com"), stand_in);
}

TEST_F(StoreTest, TakesNoStandInForTheDefaultWhereThereIsARealOne) {
  const Report issuers = store_.reporter("issuers");
  const CertificatePtr real = mint({.names = {"b.example.com"}});
  issuers({{.id = "a", .certificate = mint({.names = {"a.example.com"}}), .file_path = {}, .stand_in = true},
           good("b", real)});
  ASSERT_NE(store_.index()->fallback(), nullptr);
  EXPECT_EQ(store_.index()->fallback()->ecdsa, real);
}

}  // namespace
}  // namespace certstore
