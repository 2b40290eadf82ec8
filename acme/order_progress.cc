#include "acme/order_progress.h"

namespace acme {

std::string_view to_string(OrderProgress::Step step) noexcept {
  switch (step) {
    case OrderProgress::Step::lock:
      return "waits for the lock";
    case OrderProgress::Step::preflight:
      return "checks ahead";
    case OrderProgress::Step::account:
      return "asks for its account";
    case OrderProgress::Step::order:
      return "orders";
    case OrderProgress::Step::challenges:
      return "answers challenges";
    case OrderProgress::Step::finalize:
      return "waits for the certificate";
    case OrderProgress::Step::download:
      return "downloads";
    case OrderProgress::Step::done:
      return "done";
  }
  return "";
}

}  // namespace acme
