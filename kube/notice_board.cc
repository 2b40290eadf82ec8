#include "kube/notice_board.h"

#include <utility>

namespace kube {

void NoticeBoard::set(const std::string& giver, std::vector<Notice> notices) {
  const auto given = given_.find(giver);
  if (given == given_.end() && notices.empty()) return;
  for (const Notice& notice : notices) change(notice, 1);
  if (given != given_.end()) {
    for (const Notice& notice : given->second) change(notice, -1);
  }
  if (notices.empty()) {
    given_.erase(given);
  } else {
    given_[giver] = std::move(notices);
  }
}

void NoticeBoard::change(const Notice& notice, int by) {
  std::size_t& count = held_[notice];
  before_.try_emplace(notice, count > 0);
  const bool was = count > 0;
  count += static_cast<std::size_t>(by);
  const bool is = count > 0;
  if (is && !was) ++by_reason_[notice.reason];
  if (was && !is) --by_reason_[notice.reason];
  if (!is) held_.erase(notice);
}

NoticeBoard::Difference NoticeBoard::take() {
  Difference difference;
  for (const auto& [notice, was] : std::exchange(before_, {})) {
    const bool is = held_.contains(notice);
    if (is && !was) difference.appeared.push_back(notice);
    if (was && !is) difference.vanished.push_back(notice);
  }
  return difference;
}

std::vector<Notice> NoticeBoard::all() const {
  std::vector<Notice> notices;
  notices.reserve(held_.size());
  for (const auto& [notice, count] : held_) notices.push_back(notice);
  return notices;
}

}  // namespace kube
