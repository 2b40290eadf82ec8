#include "tests/azure/azure_script.h"

#include "base/base64.h"

namespace test {

std::string AzureScript::jwt(const nlohmann::json& claims) {
  return base::to_base64url(R"({"alg":"RS256"})") + '.' + base::to_base64url(claims.dump()) + ".c2lnbmVk";
}

}  // namespace test
