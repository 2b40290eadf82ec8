// EndpointChecks: the active health checks of all endpoints, and what they have found. Thread of the io_context, which
// outlives it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "proxy/asio.h"
#include "proxy/backend_states.h"

namespace proxy {

class EndpointChecks {
 public:
  // `changed`: something else is known now of an endpoint of this backend.
  EndpointChecks(asio::io_context& io, std::function<void(const std::string& backend)> changed);
  ~EndpointChecks();
  EndpointChecks(const EndpointChecks&) = delete;
  EndpointChecks& operator=(const EndpointChecks&) = delete;

  // One check for each endpoint that the backend has now; null: it is there no more.
  void follow(const std::string& name, const BackendState* state);
  [[nodiscard]] const CheckStates& found() const noexcept { return found_; }

 private:
  struct Watch;
  [[nodiscard]] awaitable<void> go_on(CheckKey key, std::shared_ptr<Watch> watch);

  asio::io_context& io_;
  const std::function<void(const std::string&)> changed_;
  CheckStates found_;
  std::map<CheckKey, std::shared_ptr<Watch>> watches_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace proxy
