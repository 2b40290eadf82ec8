#include "kube/account_registrar.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>

#include "tests/acme/ca_script.h"
#include "tests/support/scratch_folder.h"

namespace kube {
namespace {

config::AcmeIssuer issuer_at(const std::string& directory) {
  config::AcmeIssuer issuer;
  issuer.directory = directory;
  issuer.agree_to_terms = true;
  return issuer;
}

// Whoever may make an Issuer may name a server that takes a connection and says nothing, and make another as often as
// he likes.
TEST(AccountRegistrar, RegistersForOthersWhileTheServerOfOneDoesNotAnswer) {
  std::promise<void> over;
  const auto end = over.get_future().share();
  test::ScriptedServer tarpit([&](const auto&) {
    end.wait();
    return test::ScriptedServer::Reply{.status = 500};
  });
  test::CaScript ca;
  ca.on("/account", {.status = 201,
                     .headers = {{"Location", ca.url("/account/1")}, {"Content-Type", "application/json"}},
                     .body = R"({"status":"valid"})"});
  const test::ScratchFolder folder;
  acme::FolderStorage storage{folder.path()};
  acme::FolderLocks locks{folder.path() / "locks"};
  std::mutex mutex;
  std::condition_variable rung;
  AccountRegistrar registrar(storage, locks, base::system_clock(), [&] {
    const std::lock_guard lock(mutex);
    rung.notify_all();
  });
  for (int i = 0; i < 25; ++i) {
    const std::string name = "Issuer/a/" + std::to_string(i);
    EXPECT_FALSE(registrar.ask(name, issuer_at(tarpit.url("/" + std::to_string(i)))));
    if (i < 10) registrar.forget(name);
  }
  const auto answered = [&] { return registrar.ask("Issuer/b/own", issuer_at(ca.url("/dir"))); };
  std::unique_lock lock(mutex);
  EXPECT_TRUE(rung.wait_for(lock, std::chrono::seconds(20), [&] { return answered().has_value(); }));
  lock.unlock();
  const auto answer = answered();
  over.set_value();
  ASSERT_TRUE(answer && *answer) << (answer ? answer->error().what : "");
  EXPECT_EQ(**answer, ca.url("/account/1"));
}

}  // namespace
}  // namespace kube
