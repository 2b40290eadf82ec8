#include "proxy/unknown_names.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <latch>
#include <mutex>
#include <stdexcept>

#include "proxy/access_log.h"
#include "proxy/server.h"
#include "tests/support/mint.h"

namespace proxy {
namespace {

using std::chrono::seconds;

// What was told, and a way to wait for it. `gate` keeps the telling thread from going on.
class Listener {
 public:
  UnknownNames::Tell ear() {
    return [this](const std::string& name) {
      std::unique_lock lock(mutex_);
      told_.push_back(name);
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
    };
  }
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, seconds(20), [&] { return told_.size() >= count; });
    return told_;
  }
  void close() { set(false); }
  void open() { set(true); }

 private:
  void set(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> told_;
  bool open_ = true;
};

TEST(UnknownNames, LeaveOutWhatIsNoHostName) {
  Listener listener;
  WorkerStats stats;
  UnknownNames names(1);
  names.tell(listener.ear());
  for (const std::string& name :
       {std::string(), std::string("*.example.com"), std::string("192.0.2.1"), std::string("a..b"), std::string("a b"),
        std::string("a_b.example.com"), std::string("a\0b", 3), std::string(300, 'a'), std::string("-a.example.com")}) {
    names.saw(0, name, stats);
  }
  names.saw(0, "Last.Example.com", stats);
  EXPECT_EQ(listener.wait_for(1), std::vector<std::string>{"last.example.com"});
  EXPECT_EQ(stats.unknown_names_told.value(), 1U);
  EXPECT_EQ(stats.unknown_names_dropped.value(), 0U) << "nothing is lost in what is no name";
}

TEST(UnknownNames, TakeOnlySoManyASecondFromAWorker) {
  Listener listener;
  std::array<WorkerStats, 2> stats;
  UnknownNames names(2);
  names.tell(listener.ear());
  const auto now = UnknownNames::Steady::now();
  for (unsigned i = 0; i < UnknownNames::most_a_second + 5; ++i) names.saw(0, "a.example.com", stats[0], now);
  EXPECT_EQ(stats[0].unknown_names_dropped.value(), 5U);
  names.saw(1, "b.example.com", stats[1], now);
  EXPECT_EQ(stats[1].unknown_names_dropped.value(), 0U) << "each worker has its own share";
  names.saw(0, "c.example.com", stats[0], now + seconds(1));
  EXPECT_EQ(stats[0].unknown_names_dropped.value(), 5U);
  EXPECT_EQ(listener.wait_for(UnknownNames::most_a_second + 2).size(), UnknownNames::most_a_second + 2);
}

TEST(UnknownNames, DropWhatComesWhileNobodyListens) {
  Listener listener;
  listener.close();
  WorkerStats stats;
  UnknownNames names(1);
  names.tell(listener.ear());
  const std::string name = std::string(60, 'a') + "." + std::string(60, 'b') + ".example";
  auto now = UnknownNames::Steady::now();
  for (unsigned i = 0; i < 1000; ++i, now += seconds(1)) names.saw(0, name, stats, now);
  EXPECT_GT(stats.unknown_names_dropped.value(), 0U);
  EXPECT_EQ(stats.unknown_names_dropped.value() + stats.unknown_names_told.value(), 1000U);
  listener.open();
  const auto told = listener.wait_for(stats.unknown_names_told.value());
  EXPECT_EQ(told.size(), stats.unknown_names_told.value());
  EXPECT_EQ(told, std::vector<std::string>(told.size(), name)) << "also where the ring wraps";
}

TEST(UnknownNames, SurviveAnEarThatThrowsAndTellTheNextOne) {
  Listener listener;
  WorkerStats stats;
  UnknownNames names(1);
  std::latch heard(1);
  names.tell([&heard](const std::string&) -> void {
    heard.count_down();
    throw std::runtime_error("no");
  });
  names.saw(0, "a.example.com", stats);
  heard.wait();
  names.tell(listener.ear());
  names.saw(0, "b.example.com", stats);
  EXPECT_EQ(listener.wait_for(1), std::vector<std::string>{"b.example.com"});
}

// ---- With real handshakes

class TellingServer : public testing::Test {
 protected:
  TellingServer() {
    auto listening = server.listen({{.address = {"127.0.0.1", 0}, .tls = true}});
    port = listening->front().port;
    const test::Minted leaf = authority.issue({.names = {"known.example.com"}});
    world.config = std::make_shared<const config::Config>();
    world.certificates = std::make_shared<const certstore::CertIndex>(certstore::CertIndex().with(
        "known.example.com",
        {.ecdsa = *certstore::Certificate::from_pem(leaf.chain_pem(), leaf.key_pem()), .rsa = nullptr}));
    server.tell_unknown_names(listener.ear());
  }
  ~TellingServer() override { server.tell_unknown_names(nullptr); }

  void publish() {
    ++world.generation;
    server.publish(std::make_shared<const Snapshot>(world));
    server.wait_until_taken();
  }
  // Whether a certificate was shown.
  bool shake_hands(const std::string& name) const {
    const base::SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
    const base::BioPtr connection(BIO_new_connect(("127.0.0.1:" + std::to_string(port)).c_str()));
    if (BIO_do_connect(connection.get()) != 1) ADD_FAILURE() << "no connection";
    const base::SslPtr ssl(SSL_new(context.get()));
    SSL_set_tlsext_host_name(ssl.get(), name.c_str());
    BIO_up_ref(connection.get());
    SSL_set_bio(ssl.get(), connection.get(), connection.get());
    const bool done = SSL_connect(ssl.get()) == 1;
    ERR_clear_error();
    return done;
  }

  test::Authority authority{"Test root"};
  Listener listener;
  AccessLog log{1, 1};
  Server server{1, log};
  Snapshot world;
  std::uint16_t port = 0;
};

TEST_F(TellingServer, SaysNothingUnlessTheSnapshotWantsIt) {
  publish();
  EXPECT_FALSE(shake_hands("first.example.com"));
  world.on_demand = true;
  publish();
  EXPECT_FALSE(shake_hands("second.example.com"));
  EXPECT_EQ(listener.wait_for(1), std::vector<std::string>{"second.example.com"});
}

TEST_F(TellingServer, TellsOfNamesThatNoCertificateCoversAndOfNoOthers) {
  world.on_demand = true;
  publish();
  EXPECT_TRUE(shake_hands("known.example.com"));
  EXPECT_FALSE(shake_hands("One.example.com"));
  // A default certificate is shown, and covers nothing.
  world.certificates = std::make_shared<const certstore::CertIndex>(
      world.certificates->with_fallback(*world.certificates->exact("known.example.com")));
  publish();
  EXPECT_TRUE(shake_hands("two.example.com"));
  EXPECT_EQ(listener.wait_for(2), (std::vector<std::string>{"one.example.com", "two.example.com"}));
}

TEST_F(TellingServer, NeverWaitsForWhoListens) {
  world.on_demand = true;
  publish();
  listener.close();
  EXPECT_FALSE(shake_hands("one.example.com"));
  EXPECT_EQ(listener.wait_for(1).size(), 1U);
  EXPECT_FALSE(shake_hands("two.example.com"));
  EXPECT_TRUE(shake_hands("known.example.com")) << "while the first telling has not ended";
  listener.open();
  EXPECT_EQ(listener.wait_for(2).back(), "two.example.com");
}

}  // namespace
}  // namespace proxy
