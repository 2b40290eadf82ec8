#include "app/metrics.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "base/keep_running.h"
#include "tests/app/observed.h"

namespace app {
namespace {

std::set<std::string> names_in(const std::string& text) {
  std::set<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    names.insert(line.substr(7, line.find(' ', 7) - 7));
  }
  return names;
}

bool has_line(const std::string& text, const std::string& line) {
  return text.find('\n' + line + '\n') != std::string::npos;
}

TEST(Metrics, HaveTheNamesThatOthersRelyOn) {
  std::ifstream file(SEKISHO_SOURCE_DIR "/tests/data/metric_names.txt");
  ASSERT_TRUE(file) << "tests/data/metric_names.txt is missing";
  std::set<std::string> expected;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) expected.insert(line);
  }
  Observed gateway;
  gateway.add_certificate("www.example.com");
  gateway.seen.managed.emplace_back().next_action = gateway.seen.now;
  gateway.seen.vaults.push_back(
      {.source = "key vault v app", .status = {.failures = {{azure::VaultReason::other, 1}}}});
  gateway.seen.cluster.emplace().notices_by_reason["NoEndpoints"] = 1;
  gateway.seen.cluster->watches.push_back({.resource = "ingresses", .state = {}});
  gateway.seen.cluster->mirrors.push_back({.source = {"shop", "web"}, .target = {"media", "web"}});
  for (auto* counts : {&gateway.seen.issuing.orders, &gateway.seen.issuing.renewals, &gateway.seen.issuing.problems,
                       &gateway.seen.issuing.challenges, &gateway.seen.issuing.requests})
    (*counts)["one two"] = 1;
  EXPECT_EQ(names_in(render_metrics(gateway.observe())), expected);
}

TEST(Metrics, CountTheExceptionsThatTheControlPlaneWentOnAfter) {
  Observed gateway;
  const std::string name = "sekisho_unexpected_errors_total ";
  const auto before = base::escaped_exceptions();
  EXPECT_TRUE(has_line(render_metrics(gateway.observe()), name + std::to_string(before)));
  EXPECT_FALSE(base::attempt("test", [] { throw std::runtime_error("out of order"); }));
  EXPECT_TRUE(has_line(render_metrics(gateway.observe()), name + std::to_string(before + 1)));
}

TEST(Metrics, NoSeriesAppearsTwice) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  gateway.seen.certificates.push_back(gateway.seen.certificates.front());  // the same file configured twice
  std::istringstream lines(render_metrics(gateway.observe()));
  std::set<std::string> series;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
  }
}

TEST(Metrics, SumTheWorkersAndAccumulateTheBuckets) {
  Observed gateway;
  proxy::WorkerStats second;
  second.generation = 2;
  gateway.seen.workers.push_back(&second);
  second.ensure_route(gateway.slots.slot("shop"));
  for (proxy::WorkerStats* worker : {&gateway.worker, &second}) {
    auto& route = worker->route(gateway.slots.slot("shop"));
    route.by_class[2].add(5);
    route.latency.observe(std::chrono::milliseconds(2));
    route.latency.observe(std::chrono::seconds(20));
    worker->handshakes[static_cast<std::size_t>(proxy::Handshake::tls13_resumed)].add(2);
  }
  const std::string text = render_metrics(gateway.observe());
  EXPECT_TRUE(has_line(text, R"(sekisho_requests_total{route="shop",code_class="2xx"} 10)"));
  EXPECT_TRUE(has_line(text, R"(sekisho_request_duration_seconds_bucket{route="shop",le="0.001"} 0)"));
  EXPECT_TRUE(has_line(text, R"(sekisho_request_duration_seconds_bucket{route="shop",le="10"} 2)"));
  EXPECT_TRUE(has_line(text, R"(sekisho_request_duration_seconds_bucket{route="shop",le="+Inf"} 4)"));
  EXPECT_TRUE(has_line(text, R"(sekisho_request_duration_seconds_count{route="shop"} 4)"));
  EXPECT_TRUE(has_line(text, R"(sekisho_handshakes_total{version="TLSv1.3",resumed="true"} 4)"));
  EXPECT_TRUE(has_line(text, R"(sekisho_worker_generation{worker="1"} 2)"));
  EXPECT_TRUE(has_line(
      text, R"(sekisho_endpoint_requests_total{backend="app",endpoint="app:3000",address="192.0.2.1:3000"} 7)"));
}

TEST(Metrics, LabelCertificatesAsTheExporterDoes) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  const certstore::Facts& facts = gateway.seen.certificates.front().serving->facts();
  const std::string text = render_metrics(gateway.observe());
  const auto begin = text.find("x509_cert_not_after{");
  ASSERT_NE(begin, std::string::npos);
  const std::string line = text.substr(begin, text.find('\n', begin) - begin);
  for (const std::string& label :
       {std::string(R"(filename="www.example.com.crt")"), std::string(R"(filepath="/certs/www.example.com.crt")"),
        std::string(R"(secret_name="")"), R"(serial_number=")" + facts.serial_decimal + '"',
        std::string(R"(issuer_CN="an authority")"), std::string(R"(subject_CN="www.example.com")")}) {
    EXPECT_NE(line.find(label), std::string::npos) << label << " in " << line;
  }
  EXPECT_NE(text.find("x509_cert_expired{"), std::string::npos);
}

TEST(Metrics, LabelIssuedCertificatesOfAClusterAsCertManagerDoes) {
  Observed gateway;
  const auto add = [&](const char* name, const char* issuer) {
    acme::ManagedCertificate& managed = gateway.seen.managed.emplace_back();
    managed.name = name;
    managed.issuer = issuer;
  };
  add("shop/web-tls", "ClusterIssuer/letsencrypt");
  add("blog/web-tls", "Issuer/blog/own");
  add("www.example.com", "ca");
  const std::string text = render_metrics(gateway.observe());
  for (const char* labels : {R"(name="web-tls",namespace="shop",issuer_name="letsencrypt",issuer_kind="ClusterIssuer")",
                             R"(name="web-tls",namespace="blog",issuer_name="own",issuer_kind="Issuer")",
                             R"(name="www.example.com",namespace="",issuer_name="ca",issuer_kind="Issuer")"}) {
    EXPECT_NE(text.find(std::string("certmanager_certificate_ready_status{") + labels), std::string::npos) << labels;
  }
}

TEST(Metrics, TellRefusalsBySourceAndReasonInABoundedNumberOfSeries) {
  Observed gateway;
  auto& sources = gateway.seen.certificate_counters.sources;
  sources.push_back({"directory /certs", {{base::Code::invalid, 3}}});
  sources.push_back({"files /etc/app 1.crt", {}});
  for (int i = 0; i < 1000; ++i) {
    sources.push_back({"files /many/" + std::to_string(i), {{base::Code::io, 1}}});
  }
  const std::string text = render_metrics(gateway.observe());
  const std::string name = "x509_source_errors_total";
  EXPECT_TRUE(has_line(text, name + R"({source_kind="file",source_name="/certs",reason="invalid"} 3)"));
  EXPECT_TRUE(has_line(text, name + R"({source_kind="file",source_name="/certs",reason="io"} 0)"));
  EXPECT_TRUE(has_line(text, name + R"({source_kind="file",source_name="/etc/app 1.crt",reason="not_found"} 0)"));
  EXPECT_TRUE(has_line(text, name + R"x({source_kind="(other)",source_name="(other)",reason="io"} 746)x"));
  std::size_t series = 0;
  for (auto at = text.find(name + '{'); at != std::string::npos; at = text.find(name + '{', at + 1)) ++series;
  EXPECT_EQ(series, 257U * 3U);
}

TEST(Metrics, SayThatACertificateHasExpired) {
  Observed gateway;
  test::LeafOptions options;
  options.not_after = gateway.seen.now - std::chrono::hours(1);
  gateway.add_certificate("www.example.com", options);
  const std::string text = render_metrics(gateway.observe());
  const auto begin = text.find("x509_cert_expired{");
  ASSERT_NE(begin, std::string::npos);
  EXPECT_TRUE(text.substr(begin, text.find('\n', begin) - begin).ends_with("} 1"));
}

}  // namespace
}  // namespace app
