#include "kube/resource.h"

#include <gtest/gtest.h>

namespace kube {
namespace {

TEST(Resource, LeadsNoNameToAnotherPath) {
  EXPECT_EQ(object_path(resources::secrets, {"web", "../../nodes"}), "/api/v1/namespaces/web/secrets/..%2F..%2Fnodes");
  EXPECT_EQ(object_path(resources::secrets, {"..", "a?b#c"}), "/api/v1/namespaces/%2E%2E/secrets/a%3Fb%23c");
}

TEST(Resource, WritesPathsOfTheCoreGroupAndOfOthers) {
  EXPECT_EQ(collection_path(resources::services, ""), "/api/v1/services");
  EXPECT_EQ(collection_path(resources::ingresses, "web"), "/apis/networking.k8s.io/v1/namespaces/web/ingresses");
  EXPECT_EQ(object_path(resources::ingresses, {"web", "app"}, "status"),
            "/apis/networking.k8s.io/v1/namespaces/web/ingresses/app/status");
  EXPECT_EQ(resources::leases.api_version(), "coordination.k8s.io/v1");
  EXPECT_EQ(resources::pods.api_version(), "v1");
}

TEST(Resource, LeavesTheNamespaceOutForWhatBelongsToTheCluster) {
  EXPECT_EQ(object_path(resources::ingress_classes, {"web", "nginx"}),
            "/apis/networking.k8s.io/v1/ingressclasses/nginx");
}

}  // namespace
}  // namespace kube
