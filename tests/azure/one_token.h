// Tokens that always gives the same one.
#pragma once

#include <string>

#include "azure/tokens.h"

namespace test {

class OneToken final : public azure::Tokens {
 public:
  base::Result<azure::AccessToken> token(const azure::TokenRequest& /*request*/, std::stop_token /*stop*/) override {
    return azure::AccessToken{"the-token", base::SystemTime::max()};
  }
  void refused(const azure::TokenRequest& /*request*/, const azure::AccessToken& /*token*/) override {}
};

}  // namespace test
