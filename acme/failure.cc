#include "acme/failure.h"

#include <string>
#include <utility>

namespace acme {

Failure Failure::in(std::string_view where) && {
  error = std::move(error).in(where);
  return std::move(*this);
}

std::unexpected<Failure> failed(base::Error error) {
  return std::unexpected(Failure{std::move(error), std::nullopt, std::nullopt});
}

std::unexpected<Failure> failed(base::Code code, std::string what) {
  return failed(base::Error{code, std::move(what)});
}

}  // namespace acme
