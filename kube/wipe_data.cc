#include "kube/wipe_data.h"

#include <string>

#include <nlohmann/json.hpp>

#include "certstore/secret_bytes.h"

namespace kube {

void wipe_data(nlohmann::json& secret) {
  if (!secret.is_object()) return;
  const auto data = secret.find("data");
  if (data == secret.end() || !data->is_object()) return;
  for (auto& [key, value] : data->items()) {
    if (!value.is_string()) continue;
    auto& text = value.get_ref<std::string&>();
    certstore::wipe(text.data(), text.size());
  }
}

}  // namespace kube
