// NoticeBoard: all notices that hold now, by who gave them, and what appeared and vanished since it was asked last. A
// notice that vanishes and comes back in between is no change. One thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "kube/notice.h"

namespace kube {

class NoticeBoard {
 public:
  // What `giver` has to say now, instead of what it said before. Costs what it said before and says now.
  void set(const std::string& giver, std::vector<Notice> notices);

  struct Difference {
    std::vector<Notice> appeared;
    std::vector<Notice> vanished;
  };
  // Since the last call.
  [[nodiscard]] Difference take();

  // By reason, for the metric. Reasons that nothing has now stay with 0.
  [[nodiscard]] const std::map<std::string, std::size_t>& by_reason() const noexcept { return by_reason_; }
  [[nodiscard]] std::vector<Notice> all() const;

 private:
  void change(const Notice& notice, int by);

  std::map<std::string, std::vector<Notice>> given_;
  std::map<Notice, std::size_t> held_;  // how many givers say it
  std::map<Notice, bool> before_;       // touched since take(): whether it was held then
  std::map<std::string, std::size_t> by_reason_;
};

}  // namespace kube
