// authorize: shows control over every name of an order. RFC 8555 §7.5.
#pragma once

#include <stop_token>

#include "acme/failure.h"
#include "acme/obtain.h"
#include "acme/order.h"
#include "acme/order_progress.h"

namespace acme {

// Returns when all authorizations are valid. Challenges are taken away again whatever happens. An order one of whose
// authorizations has failed cannot succeed any more, and its journal goes. Blocking: minutes.
[[nodiscard]] Outcome<void> authorize(const Order& order, const Wanted& wanted, const Workbench& bench,
                                      OrderProgress& progress, const std::stop_token& stop);

// For an order that is gone on with after a crash and whose authorizations are valid already: takes away what the
// process that showed control left behind. What cannot be taken away now is swept up later. Blocking.
void clean_up_after(const Order& order, const Wanted& wanted, const Workbench& bench, const std::stop_token& stop);

}  // namespace acme
