#include "kube/admission.h"

#include <gtest/gtest.h>

#include "tests/kube/cluster_objects.h"

namespace kube {
namespace {

using nlohmann::json;

json review(const json& object, const json& before = nullptr) {
  return {{"apiVersion", "admission.k8s.io/v1"},
          {"kind", "AdmissionReview"},
          {"request",
           {{"uid", "u-1"},
            {"kind", {{"group", "networking.k8s.io"}, {"version", "v1"}, {"kind", "Ingress"}}},
            {"operation", before.is_null() ? "CREATE" : "UPDATE"},
            {"object", object},
            {"oldObject", before}}}};
}

json web(const std::string& host = "a.example", const std::string& name = "web", int age = 10) {
  return test::ingress(test::metadata(name, "shop", age), {test::rule(host, {test::path_to("/", "s")})});
}

class Admission : public testing::Test {
 protected:
  json answer(const json& asked) {
    return answer_review(asked, [this](const json& ingress) { return translator.judge(ingress); }).value()["response"];
  }
  Translator translator{{.classes = {.taken_over = {"sekisho"}}}};
};

TEST_F(Admission, AnswersNothingThatIsNoReview) {
  const JudgeIngress judge = [](const json&) { return Judgement(); };
  for (const json& bad :
       {json(nullptr), json::array(), json::object(), json{{"kind", "AdmissionReview"}},
        json{{"apiVersion", "admission.k8s.io/v1"}, {"kind", "AdmissionReview"}, {"request", 1}},
        json{{"apiVersion", "admission.k8s.io/v1beta1"}, {"kind", "AdmissionReview"}, {"request", {{"uid", "u"}}}},
        json{{"apiVersion", "admission.k8s.io/v1"},
             {"kind", "AdmissionReview"},
             {"request", {{"uid", std::string(1000, 'u')}}}}}) {
    EXPECT_FALSE(answer_review(bad, judge)) << bad.dump();
  }
}

TEST_F(Admission, RefusesWhatWouldBeLeftOutAndSaysWhy) {
  const json bad = test::annotated(web(), "nginx.ingress.kubernetes.io/proxy-read-timeout", "soon");
  for (const json& one :
       {bad, web("no host"),
        test::ingress(test::metadata("a"), {test::rule("a.example", {test::path_to("/../x", "s")})}),
        json{{"metadata", test::metadata("a")}, {"spec", {{"ingressClassName", "sekisho"}, {"rules", 7}}}}}) {
    const json said = answer(review(one));
    EXPECT_FALSE(said["allowed"].get<bool>()) << one.dump();
    EXPECT_EQ(said["uid"], "u-1");
    EXPECT_EQ(said["status"]["code"], 422);
    EXPECT_NE(said["status"]["message"].get<std::string>().find("Invalid"), std::string::npos);
  }
  EXPECT_NE(answer(review(bad))["status"]["message"].get<std::string>().find("proxy-read-timeout"), std::string::npos);
}

TEST_F(Admission, WarnsOfWhatIsServedDifferently) {
  const json said = answer(review(test::annotated(web(), "nginx.ingress.kubernetes.io/does-not-exist", "x")));
  EXPECT_TRUE(said["allowed"].get<bool>());
  EXPECT_EQ(said["warnings"].size(), 1U) << said.dump();
}

TEST_F(Admission, WarnsOfAPathThatAnOlderIngressHas) {
  translator.upsert(resources::ingresses, web("a.example", "older", 40));
  (void)translator.take();
  const json said = answer(review(web()));
  EXPECT_TRUE(said["allowed"].get<bool>());
  ASSERT_EQ(said["warnings"].size(), 1U) << said.dump();
  EXPECT_NE(said["warnings"][0].get<std::string>().find("shop/older"), std::string::npos);
  // Itself, as it is there, takes nothing from itself; and the younger is the one that is told.
  EXPECT_FALSE(answer(review(web("a.example", "older", 40), web("a.example", "older", 40))).contains("warnings"));
  EXPECT_FALSE(answer(review(web("a.example", "oldest", 50))).contains("warnings"));
}

TEST_F(Admission, ChangesNothing) {
  (void)translator.take();
  (void)answer(review(web()));
  EXPECT_TRUE(translator.routes().empty());
  EXPECT_TRUE(translator.take().hosts.empty());
}

TEST_F(Admission, LeavesOthersAlone) {
  json theirs = test::annotated(web("no host"), "nginx.ingress.kubernetes.io/proxy-read-timeout", "soon");
  theirs["spec"]["ingressClassName"] = "nginx";
  EXPECT_TRUE(answer(review(theirs))["allowed"].get<bool>());
  json secret = review(web("no host"));
  secret["request"]["kind"] = {{"group", ""}, {"kind", "Secret"}};
  EXPECT_TRUE(answer(secret)["allowed"].get<bool>());
  json status = review(web("no host"));
  status["request"]["subResource"] = "status";
  EXPECT_TRUE(answer(status)["allowed"].get<bool>());
}

TEST_F(Admission, KeepsNobodyFromChangingSomethingElse) {
  json before = web("no host");
  json after = before;
  after["metadata"]["labels"]["team"] = "shop";
  const json said = answer(review(after, before));
  EXPECT_TRUE(said["allowed"].get<bool>());
  EXPECT_EQ(said["warnings"].size(), 1U);
  // But nothing else may become wrong on the way, unless it is going anyway.
  after = test::annotated(after, "nginx.ingress.kubernetes.io/proxy-read-timeout", "soon");
  EXPECT_FALSE(answer(review(after, before))["allowed"].get<bool>());
  after["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  EXPECT_TRUE(answer(review(after, before))["allowed"].get<bool>());
}

}  // namespace
}  // namespace kube
