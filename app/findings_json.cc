#include "app/findings_json.h"

namespace app {
namespace {

const char* to_string(acme::Finding::Verdict verdict) {
  switch (verdict) {
    case acme::Finding::Verdict::good:
      return "good";
    case acme::Finding::Verdict::bad:
      return "bad";
    case acme::Finding::Verdict::unknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace

nlohmann::ordered_json findings_json(const std::vector<acme::Finding>& findings) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const acme::Finding& one : findings) {
    all.push_back({{"check", one.check}, {"name", one.name}, {"verdict", to_string(one.verdict)}, {"text", one.text}});
  }
  return all;
}

}  // namespace app
