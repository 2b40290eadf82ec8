// The certificate set for each handshake on one SSL_CTX, against one SSL_CTX a certificate: docs/adr/0002. Handshakes
// are done in memory; only what the server spends is timed.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/openssl.h"
#include "certstore/cert_index.h"
#include "proxy/tls_context.h"
#include "proxy/tls_profile.h"
#include "tests/support/mint.h"

namespace {

using certstore::Certificate;

struct Pem {
  std::string name, chain, key;
};

std::string name_of(std::size_t number) {
  return "host" + std::to_string(number) + ".example.com";
}

// P-256 leaves below one intermediate, as ACME hands them out. Made once, before anything is measured.
const std::vector<Pem>& minted(std::size_t count) {
  static const test::Authority issuing = test::Authority("Bench root").intermediate("Bench issuing");
  static std::vector<Pem> made;
  while (made.size() < count) {
    const std::string name = name_of(made.size());
    const test::Minted leaf = issuing.issue({.names = {name}});
    made.push_back({name, leaf.chain_pem(), leaf.key_pem()});
  }
  return made;
}

// How the server side of a handshake comes to its certificate.
class Server {
 public:
  virtual ~Server() = default;
  virtual base::SslPtr begin() = 0;
};

// As proxy/tls_context.cc does it: the code that serves.
class OneContext final : public Server {
 public:
  explicit OneContext(const std::vector<Pem>& pems, std::size_t count) {
    std::unordered_map<std::string, certstore::CertPair> pairs;
    for (std::size_t i = 0; i < count; ++i) {
      pairs[pems[i].name] = {.ecdsa = *Certificate::from_pem(pems[i].chain, pems[i].key), .rsa = nullptr};
    }
    auto world = std::make_shared<proxy::Snapshot>();
    world->config = std::make_shared<const config::Config>();
    world->certificates = std::make_shared<const certstore::CertIndex>(certstore::CertIndex().with(pairs));
    handshake_.snapshot = std::move(world);
  }
  void decode_all(const std::vector<Pem>& pems, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
      benchmark::DoNotOptimize(handshake_.snapshot->certificates->exact(pems[i].name)->ecdsa->material());
    }
  }
  base::SslPtr begin() override { return context_.new_session(handshake_); }

 private:
  proxy::TlsContext context_;
  proxy::TlsHandshake handshake_;
};

// The usual way: every certificate has an SSL_CTX, with the same settings, and the name chooses among them.
class ManyContexts final : public Server {
 public:
  explicit ManyContexts(const std::vector<Pem>& pems, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      base::SslCtxPtr made = make();
      const auto certificate = *Certificate::from_pem(pems[i].chain, pems[i].key);
      const auto* material = certificate->material();
      SSL_CTX_use_cert_and_key(made.get(), material->leaf.get(), material->key.get(), material->chain, 1);
      contexts_.emplace(pems[i].name, std::move(made));
    }
    first_ = make();
    SSL_CTX_set_tlsext_servername_callback(first_.get(), on_name);
    SSL_CTX_set_tlsext_servername_arg(first_.get(), this);
  }
  base::SslPtr begin() override {
    base::SslPtr ssl(SSL_new(first_.get()));
    SSL_set_accept_state(ssl.get());
    SSL_set_options(ssl.get(), SSL_OP_NO_TICKET);
    SSL_set_num_tickets(ssl.get(), 0);
    return ssl;
  }

 private:
  static base::SslCtxPtr make() {
    base::SslCtxPtr made(SSL_CTX_new(TLS_server_method()));
    proxy::apply_profile(made.get(), proxy::tls_profile(config::TlsProfile::intermediate));
    SSL_CTX_set_options(made.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                        SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_ANTI_REPLAY);
    SSL_CTX_set_mode(made.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(made.get(), 1);
    SSL_CTX_set_session_cache_mode(made.get(), SSL_SESS_CACHE_OFF);
    return made;
  }
  static int on_name(SSL* ssl, int*, void* self) noexcept {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const auto& contexts = static_cast<ManyContexts*>(self)->contexts_;
    const auto found = contexts.find(name != nullptr ? name : "");
    if (found == contexts.end()) return SSL_TLSEXT_ERR_ALERT_FATAL;
    SSL_set_SSL_CTX(ssl, found->second.get());
    return SSL_TLSEXT_ERR_OK;
  }

  std::unordered_map<std::string, base::SslCtxPtr> contexts_;
  base::SslCtxPtr first_;
};

double resident_kib() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// A set of certificates, ready to serve, and what it weighs. Sets are kept, so that the growth of the process is
// theirs.
struct Ready {
  std::unique_ptr<Server> server;
  double undecoded_kib = 0;
  double kib = 0;
};

enum class Way { one_context, many_contexts };

const Ready& ready(Way way, std::size_t count) {
  static std::map<std::pair<Way, std::size_t>, Ready> sets;
  const auto [found, fresh] = sets.try_emplace({way, count});
  Ready& set = found->second;
  if (!fresh) return set;
  const std::vector<Pem>& pems = minted(10'000);
  ::malloc_trim(0);
  const double before = resident_kib();
  if (way == Way::one_context) {
    auto server = std::make_unique<OneContext>(pems, count);
    ::malloc_trim(0);
    set.undecoded_kib = resident_kib() - before;
    server->decode_all(pems, count);
    set.server = std::move(server);
  } else {
    set.server = std::make_unique<ManyContexts>(pems, count);
  }
  ::malloc_trim(0);
  set.kib = resident_kib() - before;
  return set;
}

// Both sides until both have done; what the server spent, in seconds of CPU. Negative: it failed, or the name is wrong.
double shake_hands(Server& server, SSL_CTX* client_context, const std::string& name) {
  BIO* server_end = nullptr;
  BIO* client_end = nullptr;
  BIO_new_bio_pair(&server_end, 32 << 10, &client_end, 32 << 10);
  const base::SslPtr client(SSL_new(client_context));
  SSL_set_connect_state(client.get());
  SSL_set_tlsext_host_name(client.get(), name.c_str());
  SSL_set1_host(client.get(), name.c_str());
  SSL_set_bio(client.get(), client_end, client_end);
  double spent = -cpu_seconds();
  base::SslPtr ssl = server.begin();
  SSL_set_bio(ssl.get(), server_end, server_end);
  spent += cpu_seconds();
  for (int flight = 0; flight < 8; ++flight) {
    const int client_done = SSL_do_handshake(client.get());
    spent -= cpu_seconds();
    const int server_done = SSL_do_handshake(ssl.get());
    spent += cpu_seconds();
    if (client_done == 1 && server_done == 1) break;
  }
  const bool good = SSL_is_init_finished(ssl.get()) && SSL_is_init_finished(client.get());
  spent -= cpu_seconds();
  ssl.reset();
  spent += cpu_seconds();
  const base::X509Ptr shown(SSL_get1_peer_certificate(client.get()));
  if (!good || shown == nullptr || X509_check_host(shown.get(), name.data(), name.size(), 0, nullptr) != 1) return -1;
  return spent;
}

void full_handshakes(benchmark::State& state, Way way, int version) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const Ready& set = ready(way, count);
  const base::SslCtxPtr client(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_max_proto_version(client.get(), version);
  std::size_t next = 0;
  for (auto _ : state) {
    next = (next + 7919) % count;  // a prime: all names in turn, none beside the one before
    const double spent = shake_hands(*set.server, client.get(), minted(0)[next].name);
    if (spent < 0) {
      state.SkipWithError("a handshake failed or showed another name");
      break;
    }
    state.SetIterationTime(spent);
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["KiB"] = set.kib;
  if (way == Way::one_context) state.counters["KiB_before_decoding"] = set.undecoded_kib;
}

// Whatever else runs on the machine can only make a round slower.
double least(const std::vector<double>& rounds) {
  return *std::ranges::min_element(rounds);
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1)
      ->Arg(100)
      ->Arg(10'000)
      ->Iterations(100)
      ->ComputeStatistics("least", least)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}
BENCHMARK_CAPTURE(full_handshakes, one_context_tls13, Way::one_context, TLS1_3_VERSION)->Apply(sizes);
BENCHMARK_CAPTURE(full_handshakes, many_contexts_tls13, Way::many_contexts, TLS1_3_VERSION)->Apply(sizes);
BENCHMARK_CAPTURE(full_handshakes, one_context_tls12, Way::one_context, TLS1_2_VERSION)->Apply(sizes);
BENCHMARK_CAPTURE(full_handshakes, many_contexts_tls12, Way::many_contexts, TLS1_2_VERSION)->Apply(sizes);

}  // namespace
