// What reading and keeping certificates costs: docs/adr/0003.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "base/openssl.h"
#include "certstore/directory_source.h"
#include "certstore/store.h"
#include "tests/support/mint.h"

namespace {

using certstore::Certificate;

// The same leaf key type from an authority with one intermediate, as ACME and most companies hand them out.
test::Minted mint(test::KeyKind kind, const std::string& name = "www.example.com") {
  static const test::Authority issuing = test::Authority("Bench root").intermediate("Bench issuing");
  return issuing.issue({.names = {name}, .key = kind});
}

void parse(benchmark::State& state, test::KeyKind kind) {
  const test::Minted minted = mint(kind);
  const std::string chain = minted.chain_pem();
  const std::string key = minted.key_pem();
  for (auto _ : state) benchmark::DoNotOptimize(Certificate::from_pem(chain, key));
}
BENCHMARK_CAPTURE(parse, p256, test::KeyKind::ec_p256);
BENCHMARK_CAPTURE(parse, rsa2048, test::KeyKind::rsa_2048);

// The same by OpenSSL's PEM functions, as most programs do it.
void parse_by_openssl(benchmark::State& state, test::KeyKind kind) {
  const test::Minted minted = mint(kind);
  const std::string chain = minted.chain_pem();
  const std::string key = minted.key_pem();
  for (auto _ : state) {
    const base::BioPtr chain_bio(BIO_new_mem_buf(chain.data(), static_cast<int>(chain.size())));
    const base::BioPtr key_bio(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())));
    const base::X509Ptr leaf(PEM_read_bio_X509(chain_bio.get(), nullptr, nullptr, nullptr));
    const base::X509Ptr issuer(PEM_read_bio_X509(chain_bio.get(), nullptr, nullptr, nullptr));
    const base::EvpPkeyPtr decoded(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
    benchmark::DoNotOptimize(X509_check_private_key(leaf.get(), decoded.get()));
  }
}
BENCHMARK_CAPTURE(parse_by_openssl, p256, test::KeyKind::ec_p256);
BENCHMARK_CAPTURE(parse_by_openssl, rsa2048, test::KeyKind::rsa_2048);

// The first handshake for a name.
void decode_material(benchmark::State& state) {
  const test::Minted minted = mint(test::KeyKind::ec_p256);
  const std::string chain = minted.chain_pem();
  const std::string key = minted.key_pem();
  for (auto _ : state) {
    state.PauseTiming();
    const auto certificate = *Certificate::from_pem(chain, key);
    state.ResumeTiming();
    benchmark::DoNotOptimize(certificate->material());
  }
}
BENCHMARK(decode_material);

void write(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path) << content;
}

std::filesystem::path filled_folder(int count) {
  std::string pattern = (std::filesystem::temp_directory_path() / "sekisho_bench_XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  for (int i = 0; i < count; ++i) {
    const std::string name = "host" + std::to_string(i) + ".example.com";
    const test::Minted minted = mint(test::KeyKind::ec_p256, name);
    write(folder / (name + ".crt"), minted.chain_pem());
    write(folder / (name + ".key"), minted.key_pem());
  }
  return folder;
}

// A directory of N certificates: start, memory kept, and one replaced among them.
void directory(benchmark::State& state) {
  const int count = static_cast<int>(state.range(0));
  const std::filesystem::path folder = filled_folder(count);
  const config::FileWatch::Options quiet{
      .settle = std::chrono::hours(1), .longest = std::chrono::hours(1), .poll = std::chrono::hours(1)};
  for (auto _ : state) {
    const std::size_t before = ::mallinfo2().uordblks;
    certstore::Store store(base::system_clock(), {});
    certstore::DirectorySource source({folder}, false, quiet);
    source.start(store.reporter("bench"));
    state.PauseTiming();
    state.counters["bytes/certificate"] = static_cast<double>(::mallinfo2().uordblks - before) / count;
    const test::Minted fresh = mint(test::KeyKind::ec_p256, "host0.example.com");
    write(folder / "host0.example.com.crt", fresh.chain_pem());
    write(folder / "host0.example.com.key", fresh.key_pem());
    const auto begin = std::chrono::steady_clock::now();
    source.refresh();
    state.counters["replace one, ms"] =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    state.ResumeTiming();
  }
  state.counters["us/certificate"] = benchmark::Counter(static_cast<double>(state.iterations()) * count / 1e6,
                                                        benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  std::filesystem::remove_all(folder);
}
BENCHMARK(directory)->Arg(10'000)->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
