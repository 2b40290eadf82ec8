// The status page: one HTML document without scripts and without anything from elsewhere.
#pragma once

#include <string>
#include <string_view>

#include "app/observation.h"

namespace app {

[[nodiscard]] std::string render_status_page(const Observation& seen);

// For element content and quoted attributes.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace app
