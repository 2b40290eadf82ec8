// http-01: the key authorization at /.well-known/acme-challenge/TOKEN on port 80. RFC 8555 §8.3.
#include <memory>
#include <utility>

#include "acme/solver.h"

namespace acme {
namespace {

class Http01Solver final : public Solver {
 public:
  explicit Http01Solver(ChallengeTable& table) : table_(table) {}
  [[nodiscard]] config::ChallengeType type() const override { return config::ChallengeType::http01; }
  [[nodiscard]] base::Result<void> present(const ChallengeTask& task, std::stop_token stop) override {
    return table_.put_http01(task.token, task.key_authorization, std::move(stop));
  }
  base::Result<void> clean_up(const ChallengeTask& task, std::stop_token) override {
    table_.remove_http01(task.token);
    return {};
  }

 private:
  ChallengeTable& table_;
};

}  // namespace

std::unique_ptr<Solver> make_http01_solver(ChallengeTable& table) {
  return std::make_unique<Http01Solver>(table);
}

}  // namespace acme
