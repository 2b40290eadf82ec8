#include "azure/secret_text.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "azure/gateway_plan.h"
#include "azure/json_text.h"
#include "azure/pfx_upload.h"

namespace azure {
namespace {

// Each of these holds a private key, or what opens one; a plain string would leave it on the heap when it is freed.
TEST(SecretText, HoldsWhatIsUploadedFromTheKeyToTheDocument) {
  using Document = decltype(rebuilt(std::declval<const GatewayDocument&>(), {}, {}, {}))::value_type;
  EXPECT_TRUE((std::is_same_v<decltype(UploadedPfx::bytes), certstore::SecretBytes>));
  EXPECT_TRUE((std::is_same_v<decltype(UploadedPfx::password), SecretText>));
  EXPECT_TRUE((std::is_same_v<decltype(Edit::text), SecretText>));
  EXPECT_TRUE((std::is_same_v<decltype(ElementChanges::added)::value_type, SecretText>));
  EXPECT_TRUE((std::is_same_v<decltype(ElementChanges::replaced)::mapped_type, SecretText>));
  EXPECT_TRUE((std::is_same_v<Document, SecretText>));
}

TEST(SecretText, IsJoinedWithCommas) {
  EXPECT_EQ(joined({}), "");
  EXPECT_EQ(joined({"1"}), "1");
  EXPECT_EQ(joined({"1", "[2,3]"}), "1,[2,3]");
}

}  // namespace
}  // namespace azure
