// How a mirror in Azure does. A plain value, for the admin endpoint.
#pragma once

#include <string>
#include <vector>

#include "azure/mirror.h"

namespace app {

struct MirrorView {
  std::string where;  // "application gateway rg1/appgw"
  std::vector<azure::MirrorState> states;
};

}  // namespace app
