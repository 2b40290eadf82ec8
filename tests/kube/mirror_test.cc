#include "kube/mirror_writer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/base64.h"
#include "kube/mirror_book.h"
#include "tests/kube/object_server.h"
#include "tests/support/mint.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Verdict = MirrorBook::Verdict::What;

constexpr auto start = std::chrono::sys_days(std::chrono::year(2026) / 5 / 1);
const ObjectName web{"shop", "web"};
const ObjectName copy{"media", "web"};

json secret(const ObjectName& name, const json& annotations = json::object()) {
  static const auto pair = test::self_signed({.names = {"www.example.com"}});
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", {{"name", name.name}, {"namespace", name.name_space}, {"annotations", annotations}}},
          {"type", "kubernetes.io/tls"},
          {"data", {{"tls.crt", base::to_base64(pair.chain_pem())}, {"tls.key", base::to_base64(pair.key_pem())}}}};
}

json renewed(json object) {
  const auto pair = test::self_signed({.names = {"www.example.com"}});
  object["data"] = {{"tls.crt", base::to_base64(pair.chain_pem())}, {"tls.key", base::to_base64(pair.key_pem())}};
  return object;
}

json asking(const std::string& to = "media") {
  return secret(web, {{mirrors::to, to}});
}

// ---- What is asked for

TEST(Mirror, RefusesTargetsThatCannotBe) {
  const auto source =
      read_mirror_source(asking("media, .., shop, UPPER, a/b/c, media/other, /x, y/, z/.., a.b, c/d..e, media/../x"));
  ASSERT_TRUE(source);
  EXPECT_EQ(source->targets, (std::set<ObjectName>{{"media", "web"}, {"media", "other"}}));
  EXPECT_EQ(source->refused.size(), 2U);
}

TEST(Mirror, HasAnEndOfTargets) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "n" + std::to_string(i) + ",";
  const auto source = read_mirror_source(asking(many));
  ASSERT_TRUE(source);
  EXPECT_EQ(source->targets.size(), mirrors::most_targets);
  EXPECT_EQ(source->refused.size(), 1U);
}

TEST(Mirror, IsNeverTheSourceOfAnother) {
  json mirror = asking();
  mirror["metadata"]["labels"][mirrors::label] = "true";
  EXPECT_FALSE(read_mirror_source(mirror));
  EXPECT_FALSE(read_mirror_source(secret(web)));
}

TEST(Mirror, CopiesTheCertificateAndNothingElse) {
  json object = asking();
  object["data"]["password"] = "aHVzaA==";
  object["metadata"]["labels"]["team"] = "shop";
  const auto source = read_mirror_source(object);
  ASSERT_TRUE(source);
  const json mirror = mirror_of(*source, copy, nullptr);
  EXPECT_EQ(mirror["data"].size(), 2U);
  EXPECT_EQ(mirror["data"]["tls.key"], object["data"]["tls.key"]);
  EXPECT_FALSE(mirror["metadata"]["labels"].contains("team"));
  EXPECT_FALSE(mirror["metadata"]["annotations"].contains(mirrors::to));
  EXPECT_EQ(mirror["metadata"]["annotations"][mirrors::of], "shop/web");
  const MirrorSight sight = look_at_mirror(mirror);
  EXPECT_EQ(sight.what, MirrorSight::What::mirror);
  EXPECT_EQ(sight.digest, source->digest);
}

// ---- What is allowed

class MirrorBookTest : public testing::Test {
 protected:
  void see(const json& object) { (void)book_.see_secret(name_of(object), &object); }
  void accept(const std::string& from, const std::string& name_space = "media") {
    book_.see_namespace(name_space, &from);
  }
  MirrorBook::Verdict verdict(const ObjectName& target = copy) { return book_.judge(*book_.sources().at(web), target); }
  MirrorBook book_;
};

TEST_F(MirrorBookTest, NeedsTheOtherSidesWord) {
  see(asking());
  EXPECT_EQ(verdict().what, Verdict::refused);
  EXPECT_TRUE(verdict().why.contains("no namespace media")) << verdict().why;
  for (const char* other : {"", "store", "sho", "shop/other", "*", "media"}) {
    accept(other);
    EXPECT_EQ(verdict().what, Verdict::refused) << other;
    EXPECT_TRUE(verdict().why.contains(mirrors::accept_from)) << verdict().why;
  }
  for (const char* word : {"shop", "store, shop", "shop/web"}) {
    accept(word);
    EXPECT_EQ(verdict().what, Verdict::due) << word;
  }
}

TEST_F(MirrorBookTest, TakesThePreparedSecretsWordForTheNamespaces) {
  see(asking());
  accept("");
  see(secret(copy, {{mirrors::accept_of, "shop/web"}}));
  EXPECT_EQ(verdict().what, Verdict::due);
  see(secret(copy, {{mirrors::accept_of, "store/web"}}));
  accept("shop");
  EXPECT_EQ(verdict().what, Verdict::refused) << "it waits for another";
}

TEST_F(MirrorBookTest, NeverTouchesASecretOfSomebodyElse) {
  accept("shop");
  see(asking());
  see(secret(copy));
  EXPECT_EQ(verdict().what, Verdict::refused);
  json of_another = secret(copy, {{mirrors::of, "store/web"}});
  of_another["metadata"]["labels"][mirrors::label] = "true";
  see(of_another);
  EXPECT_EQ(verdict().what, Verdict::refused);
  EXPECT_TRUE(verdict().why.contains("mirror of store/web")) << verdict().why;
  (void)book_.see_secret(copy, nullptr);
  EXPECT_EQ(verdict().what, Verdict::due);
}

TEST_F(MirrorBookTest, LeavesMirrorsAsTheyAreWhenTheSourceIsBad) {
  accept("shop");
  json bad = asking();
  bad["data"]["tls.key"] = base::to_base64("no key");
  see(bad);
  EXPECT_EQ(verdict().what, Verdict::refused);
  EXPECT_FALSE(verdict().why.contains("no key\n"));
}

TEST_F(MirrorBookTest, LetsOnlyThoseGoThatTheirSourceNamesNoMore) {
  accept("shop");
  see(asking());
  json mirror = mirror_of(*book_.sources().at(web), copy, nullptr);
  see(mirror);
  EXPECT_EQ(verdict().what, Verdict::in_step);
  EXPECT_TRUE(book_.to_go().empty());
  (void)book_.see_secret(web, nullptr);
  EXPECT_TRUE(book_.to_go().empty()) << "the source is gone: perhaps by mistake";
  see(secret(web));
  EXPECT_EQ(book_.to_go(), (std::vector<MirrorKey>{{web, copy}}));
  accept("");
  EXPECT_TRUE(book_.to_go().empty()) << "nothing is written, nor deleted, where it is not wanted";
  accept("shop");
  mirror["metadata"]["annotations"][mirrors::accept_of] = "shop/web";
  see(mirror);
  EXPECT_TRUE(book_.to_go().empty()) << "it is its owner's";
}

// ---- What is written

class MirrorWriterTest : public testing::Test {
 protected:
  MirrorWriterTest() { put("/api/v1/namespaces/media", space("shop")); }
  static json space(const std::string& accepts) {
    return {{"apiVersion", "v1"},
            {"kind", "Namespace"},
            {"metadata", {{"name", "media"}, {"annotations", {{mirrors::accept_from, accepts}}}}}};
  }
  void put(const std::string& path, const json& object) { server_.put(path, object); }
  std::unique_ptr<MirrorWriter> writer(MirrorWriter::Mirrors mirrors = MirrorWriter::Mirrors::on) {
    auto made = std::make_unique<MirrorWriter>(
        client_, events_,
        MirrorWriter::Options{.mirrors = mirrors, .pace = {.first = 1ms, .longest = 2ms}, .look_again = 5ms});
    made->complete();
    made->lead(true);
    return made;
  }
  static void tell(MirrorWriter& writer, const json& object) { writer.seen(name_of(object), &object); }
  json mirror() { return server_.object("/api/v1/namespaces/media/secrets/web"); }
  bool told(const std::string& text) {
    return server_.wait_until([&] {
      for (const std::string& path : server_.paths("/api/v1/namespaces/shop/events/")) {
        if (server_.object(path).value("message", "").contains(text)) return true;
      }
      return false;
    });
  }
  bool is_same(const json& source) {
    return server_.wait_until([&] { return !mirror().is_null() && mirror()["data"] == source["data"]; });
  }
  bool passes(const std::function<bool()>& holds) {
    return server_.wait_until([&] {
      clock_.advance(1ms);
      return holds();
    });
  }

  base::FakeClock clock_{start};
  test::ObjectServer server_;
  Client client_{server_.access(), {.clock = clock_, .requests_per_second = 1e6, .burst = 1'000'000}};
  EventRecorder events_{client_, {.instance = "pod"}};
};

TEST_F(MirrorWriterTest, SaysToWhoAsksThatMirrorsAreOff) {
  const auto made = writer(MirrorWriter::Mirrors::off);
  tell(*made, asking());
  EXPECT_TRUE(told("--mirrors"));
  EXPECT_TRUE(mirror().is_null());
  ASSERT_EQ(made->states().size(), 1U);
  EXPECT_EQ(made->states()[0].what, MirrorState::What::refused);
}

TEST_F(MirrorWriterTest, LeavesAForeignSecretAloneAndSaysSo) {
  const json foreign = renewed(secret(copy));
  put("/api/v1/namespaces/media/secrets/web", foreign);
  const auto made = writer();  // which has not been told of it
  tell(*made, asking("media, .."));
  EXPECT_TRUE(told("is no NAMESPACE"));
  EXPECT_TRUE(told("is no mirror"));
  EXPECT_EQ(mirror()["data"], foreign["data"]);
}

TEST_F(MirrorWriterTest, SaysWhyItCannotWriteAndTriesAgain) {
  server_.forbid("POST");
  const auto made = writer();
  const json source = asking();
  tell(*made, source);
  ASSERT_TRUE(passes([&] { return !made->states().empty() && made->states()[0].problem.contains("403"); }));
  EXPECT_EQ(made->states()[0].what, MirrorState::What::behind);
  EXPECT_TRUE(passes([&] { return server_.refused() > 3; }));
}

TEST_F(MirrorWriterTest, FollowsItsSourceAndCorrectsWhatOthersWrite) {
  const auto made = writer();
  json source = asking();
  tell(*made, source);
  ASSERT_TRUE(is_same(source));
  EXPECT_TRUE(told("mirrored to media/web"));
  source = renewed(source);
  tell(*made, source);
  ASSERT_TRUE(is_same(source));
  const json edited = renewed(mirror());
  put("/api/v1/namespaces/media/secrets/web", edited);
  tell(*made, edited);
  ASSERT_TRUE(passes([&] { return mirror()["data"] == source["data"]; }));
  ASSERT_TRUE(server_.wait_until([&] { return made->states()[0].what == MirrorState::What::in_step; }));
  EXPECT_EQ(made->states()[0].problem, "");
}

TEST_F(MirrorWriterTest, WritesNothingWhereItDoesNotLeadOrIsNotWanted) {
  put("/api/v1/namespaces/media", space("store"));
  const auto made = writer();
  tell(*made, asking());
  ASSERT_TRUE(told("does not take Secrets of shop"));
  made->lead(false);
  put("/api/v1/namespaces/media", space("shop"));
  ASSERT_TRUE(server_.wait_until([&] { return made->states()[0].what == MirrorState::What::behind; }));
  EXPECT_TRUE(mirror().is_null());
  made->lead(true);
  EXPECT_TRUE(is_same(asking()));
}

TEST_F(MirrorWriterTest, DeletesAMirrorThatItsSourceNamesNoMore) {
  const auto made = writer();
  tell(*made, asking());
  ASSERT_TRUE(is_same(asking()));
  tell(*made, secret(web));
  EXPECT_TRUE(server_.wait_until([&] { return mirror().is_null(); }));
  EXPECT_TRUE(made->states().empty());
}

}  // namespace
}  // namespace kube
