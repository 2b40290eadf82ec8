#include "config/azure.h"

namespace config {

std::string_view to_string(AzureCloud cloud) noexcept {
  switch (cloud) {
    case AzureCloud::worldwide:
      return "public";
    case AzureCloud::us_government:
      return "us_government";
    case AzureCloud::china:
      return "china";
  }
  return "public";
}

}  // namespace config
