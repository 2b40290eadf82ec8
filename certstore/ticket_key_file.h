// The text form of ticket keys: a first line that names the format, then a line a key, newest first.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "certstore/ticket_keys.h"

namespace certstore {

// The caller wipes the text.
[[nodiscard]] std::string write_ticket_keys(const TicketKeySet& set);
// One to three keys, strictly newest first; `current` is left at 0. Error: invalid.
[[nodiscard]] base::Result<TicketKeySet> read_ticket_keys(std::string_view text);

}  // namespace certstore
