// Judgement: what is said of an Ingress before it is written, by the same code that would serve it.
#pragma once

#include <string>
#include <vector>

#include "kube/notice.h"

namespace kube {

struct Judgement {
  std::vector<std::string> refusals;  // parts of it would be left out
  std::vector<std::string> warnings;  // it would be served, but not as it may be meant
  friend bool operator==(const Judgement&, const Judgement&) = default;
};

// By what each Notice says of the Ingress alone. What has to do with other objects (an older Ingress, a Service that is
// not there yet) is never a refusal: the order in which objects are applied is nobody's fault.
[[nodiscard]] Judgement judgement_of(const std::vector<Notice>& notices);

}  // namespace kube
