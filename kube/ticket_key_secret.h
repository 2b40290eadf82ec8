// The Secret of the ticket keys that all replicas share. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "certstore/ticket_keys.h"
#include "kube/resource.h"

namespace kube {

// Error: invalid, if it holds anything else; never with a word of what it holds. `secret` is the matter of whoever may
// write it.
[[nodiscard]] base::Result<certstore::TicketKeySet> ticket_keys_in(const nlohmann::json& secret);

// As it is written. `before`: as the server has it, of which all else is kept; null: there is none. The caller wipes
// it.
[[nodiscard]] nlohmann::json ticket_key_secret(const ObjectName& name, nlohmann::json before,
                                               const certstore::TicketKeySet& keys);

}  // namespace kube
