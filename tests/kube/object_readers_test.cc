// The readers of objects: what they refuse, where, and what they make of the rest.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kube/endpoint_slice.h"
#include "kube/ingress.h"
#include "kube/ingress_class.h"
#include "kube/secret.h"
#include "kube/service.h"

namespace kube {
namespace {

using nlohmann::json;

json parsed(std::string text) {
  for (char& c : text) {
    if (c == '\'') c = '"';
  }
  return json::parse(text);
}

template <class T>
std::string fault(const ObjectRead<T>& read) {
  return read ? "none" : to_string(read.error());
}

TEST(ReadIngress, SaysWhereWhatIsWrong) {
  struct Row {
    std::string object;
    std::string fault;
  };
  const std::vector<Row> rows{
      {"[]", "found a list, expected a mapping; metadata: found nothing, expected a mapping"},
      {"{}", "metadata: found nothing, expected a mapping"},
      {"{'metadata': {}}", "metadata.name: found nothing, expected text"},
      {"{'metadata': {'name': 3}}", "metadata.name: found a number, expected text"},
      {"{'metadata': {'name': 'a', 'creationTimestamp': 'yesterday'}}",
       "metadata.creationTimestamp: found text, expected a time as in RFC 3339"},
      {"{'metadata': {'name': 'a', 'annotations': {'b': true}}}",
       "metadata.annotations.b: found true or false, expected text"},
      {"{'metadata': {'name': 'a'}, 'spec': {'rules': {}}}", "spec.rules: found a mapping, expected a list"},
      {"{'metadata': {'name': 'a'}, 'spec': {'rules': [{'host': 'a.example', 'http': {'paths': [{'path': '/'}]}}]}}",
       "spec.rules[0].http.paths[0].backend: found nothing, expected a mapping"},
      {"{'metadata': {'name': 'a'}, 'spec': {'rules': [{'http': {'paths': [{'pathType': 'Regex', 'backend': "
       "{'service': "
       "{'name': 's', 'port': {'number': 1}}}}]}}]}}",
       "spec.rules[0].http.paths[0].pathType: found `Regex`, expected Exact, Prefix or ImplementationSpecific"},
      {"{'metadata': {'name': 'a'}, 'spec': {'defaultBackend': {'service': {'name': 's', 'port': {'number': 65536}}}}}",
       "spec.defaultBackend.service.port.number: found 65536, expected a port, 1 to 65535"},
      {"{'metadata': {'name': 'a'}, 'spec': {'defaultBackend': {'service': {'name': 's', 'port': {}}}}}",
       "spec.defaultBackend.service.port: found nothing, expected a name or a number"},
      {"{'metadata': {'name': 'a'}, 'spec': {'tls': [{'hosts': ['a', 1]}]}}",
       "spec.tls[0].hosts[1]: found a number, expected text"},
  };
  for (const Row& row : rows) EXPECT_EQ(fault(read_ingress(parsed(row.object))), row.fault) << row.object;
}

TEST(ReadIngress, NamesAtMostTwentyFaults) {
  json object = parsed("{'metadata': {'name': 'a'}, 'spec': {'tls': [{'hosts': []}]}}");
  for (int i = 0; i < 100; ++i) object["spec"]["tls"][0]["hosts"].push_back(i);
  EXPECT_EQ(read_ingress(object).error().size(), most_faults);
}

TEST(ReadIngress, LeavesUnknownFieldsAlone) {
  const auto read = read_ingress(parsed(
      "{'metadata': {'name': 'a', 'managedFields': [1]}, 'spec': {'future': {'x': 1}, 'rules': null}, 'status': 3}"));
  ASSERT_TRUE(read) << fault(read);
  EXPECT_EQ(read->metadata.name, (ObjectName{"default", "a"}));
}

TEST(ReadIngress, ReadsTheOldSpellingToo) {
  const auto read = read_ingress(parsed(
      "{'metadata': {'name': 'a'}, 'spec': {'backend': {'serviceName': 'd', 'servicePort': 'web'}, 'rules': [{'http': "
      "{'paths': [{'path': '/x', 'backend': {'serviceName': 's', 'servicePort': 3000}}]}}]}}"));
  ASSERT_TRUE(read) << fault(read);
  EXPECT_EQ(read->default_backend->port.name, "web");
  EXPECT_EQ(read->rules[0].paths[0].backend.port.number, 3000);
  EXPECT_EQ(read->rules[0].paths[0].type, IngressPath::Type::implementation_specific);
}

TEST(ReadIngressClass, KnowsTheDefault) {
  EXPECT_FALSE(read_ingress_class(parsed("{'metadata': {'name': 'a'}, 'spec': {}}"))->is_default);
  EXPECT_TRUE(read_ingress_class(parsed("{'metadata': {'name': 'a', 'annotations': "
                                        "{'ingressclass.kubernetes.io/is-default-class': 'true'}}}"))
                  ->is_default);
}

TEST(ReadService, RefusesPortsThatAreNone) {
  EXPECT_EQ(fault(read_service(parsed("{'metadata': {'name': 'a'}, 'spec': {'ports': [{'port': 0}]}}"))),
            "spec.ports[0].port: found 0, expected a port, 1 to 65535");
  EXPECT_EQ(fault(read_service(parsed("{'metadata': {'name': 'a'}, 'spec': {'type': 'ExternalName'}}"))),
            "spec.externalName: found nothing, expected text");
}

TEST(ReadService, KeepsTcpPortsOnlyAndKnowsHeadlessOnes) {
  const auto read =
      read_service(parsed("{'metadata': {'name': 'a'}, 'spec': {'clusterIP': 'None', 'ports': [{'port': 53, "
                          "'protocol': 'UDP'}, {'port': 80, "
                          "'targetPort': 'http', 'name': 'web', 'appProtocol': 'kubernetes.io/h2c'}, {'port': 81}]}}"));
  ASSERT_TRUE(read) << fault(read);
  EXPECT_TRUE(read->cluster_ips.empty());
  EXPECT_EQ(read->ports, (std::vector<ServicePort>{{"web", 80, 0, "kubernetes.io/h2c"}, {"", 81, 81, ""}}));
}

TEST(ReadEndpointSlice, RefusesUnknownAddressTypes) {
  EXPECT_EQ(fault(read_endpoint_slice(parsed("{'metadata': {'name': 'a'}}"))),
            "addressType: found nothing, expected IPv4, IPv6 or FQDN");
}

TEST(ReadEndpointSlice, ReadsConditionsThatNobodySetAsTheApiSays) {
  const auto read = read_endpoint_slice(
      parsed("{'metadata': {'name': 'a', 'labels': {'kubernetes.io/service-name': 's'}}, 'addressType': 'IPv4', "
             "'endpoints': [{'addresses': ['10.0.0.1']}, {'addresses': ['10.0.0.2'], 'conditions': {'ready': false, "
             "'serving': null, 'terminating': true}}], 'ports': [{'name': 'web', 'port': null}]}"));
  ASSERT_TRUE(read) << fault(read);
  EXPECT_EQ(read->service, "s");
  EXPECT_EQ(read->endpoints[0], (SliceEndpoint{{"10.0.0.1"}, true, true, false}));
  EXPECT_EQ(read->endpoints[1], (SliceEndpoint{{"10.0.0.2"}, false, true, true}));
  EXPECT_FALSE(read->ports[0].port);
}

TEST(ReadSecret, NeverQuotesWhatItRefuses) {
  const std::string said = fault(read_secret(parsed("{'metadata': {'name': 'a'}, 'data': {'tls.key': 'hunter2!'}}")));
  EXPECT_EQ(said, "data.tls.key: found text that is not base64, expected base64");
}

TEST(ReadSecret, ReadsOnlyWhatIsOfCertificates) {
  const auto read = read_secret(parsed(
      "{'metadata': {'name': 'a'}, 'type': 'Opaque', 'data': {'password': '!', 'ca.crt': 'Y2E=', 'tls.crt': ''}}"));
  ASSERT_TRUE(read) << fault(read);
  EXPECT_EQ(std::string(read->ca_certificates.begin(), read->ca_certificates.end()), "ca");
  EXPECT_FALSE(read->holds_pair());
}

// Whoever may make Secrets may make many, of 1 MiB each, which nobody names.
TEST(Secret, IsKeptAsFarAsItIsACertificate) {
  json secret{{"metadata",
               {{"name", "t"},
                {"namespace", "shop"},
                {"uid", "u"},
                {"resourceVersion", "7"},
                {"labels", {{"a", "b"}}},
                {"annotations", {{"long", std::string(100'000, 'a')}}},
                {"managedFields", {1, 2}}}},
              {"type", "kubernetes.io/tls"},
              {"data", {{"tls.crt", "QQ=="}, {"tls.key", "Qg=="}, {"ca.crt", "Qw=="}, {"password", "RA=="}}}};
  keep_certificate(secret);
  EXPECT_EQ(secret["data"], (json{{"tls.crt", "QQ=="}, {"tls.key", "Qg=="}, {"ca.crt", "Qw=="}}));
  EXPECT_EQ(
      secret["metadata"],
      (json{{"name", "t"}, {"namespace", "shop"}, {"uid", "u"}, {"resourceVersion", "7"}, {"labels", {{"a", "b"}}}}));
  EXPECT_TRUE(read_secret(secret)->holds_pair());

  secret["data"]["ca.crt"] = std::string(largest_pair + 1, 'a');
  keep_certificate(secret);
  EXPECT_FALSE(secret["data"].contains("ca.crt"));
  EXPECT_TRUE(read_secret(secret)->holds_pair());

  secret["data"]["tls.crt"] = std::string(largest_pair, 'a');
  keep_certificate(secret);
  EXPECT_FALSE(secret.contains("data"));
  const auto read = read_secret(secret);
  ASSERT_FALSE(read);
  EXPECT_EQ(to_string(read.error()), "data: found more than 64 KiB, expected a certificate and its key in less");
}

}  // namespace
}  // namespace kube
