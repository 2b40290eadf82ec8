// When ticket keys change, wherever they are kept. Pure but for the random bytes of new keys.
#pragma once

#include <chrono>

#include "base/clock.h"
#include "certstore/ticket_keys.h"

namespace certstore {

// Makes what is missing: two keys at first; later a fresh next one whenever the one before it has come into use, as
// often as `period`. Nothing changes before it is time. False: the random generator failed; what was there stays.
[[nodiscard]] bool rotate(TicketKeySet& set, base::SystemTime now, std::chrono::seconds period);

// Sets `current`, by the time alone: all who have the same keys and nearly the same time seal with the same one.
void choose_current(TicketKeySet& set, base::SystemTime now);

}  // namespace certstore
