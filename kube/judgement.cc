#include "kube/judgement.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace kube {
namespace {

constexpr std::array<std::string_view, 5> refused{reasons::invalid_object, reasons::invalid_host, reasons::invalid_path,
                                                  reasons::invalid_annotation, reasons::bad_certificate_request};

}  // namespace

Judgement judgement_of(const std::vector<Notice>& notices) {
  Judgement judgement;
  for (const Notice& notice : notices) {
    if (notice.type != NoticeType::warning) continue;
    const bool is_refused = std::ranges::find(refused, notice.reason) != refused.end();
    (is_refused ? judgement.refusals : judgement.warnings).push_back(notice.reason + ": " + notice.message);
  }
  return judgement;
}

}  // namespace kube
