#include "app/admin_endpoint.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "app/api.h"
#include "app/metrics.h"
#include "app/status_page.h"
#include "app/why.h"
#include "base/ip_network.h"
#include "certstore/host_name.h"

namespace app {
namespace {

struct Page {
  std::string_view path;
  std::string_view content_type;
  std::string (*render)(const Observation& seen);
};

constexpr std::string_view json_type = "application/json";

constexpr std::array pages{
    Page{"/", "text/html; charset=utf-8", [](const Observation& seen) { return render_status_page(seen); }},
    Page{"/metrics", "text/plain; version=0.0.4; charset=utf-8",
         [](const Observation& seen) { return render_metrics(seen); }},
    Page{"/api/status", json_type, [](const Observation& seen) { return dump(status_json(seen)); }},
    Page{"/api/certificates", json_type, [](const Observation& seen) { return dump(certificates_json(seen)); }},
    Page{"/api/routes", json_type, [](const Observation& seen) { return dump(routes_json(seen)); }},
    Page{"/api/backends", json_type, [](const Observation& seen) { return dump(backends_json(seen)); }},
    Page{"/api/config", json_type, [](const Observation& seen) { return dump(configuration_json(seen)); }},
};

AdminAnswer readiness(const Observation& seen) {
  const Json body = readiness_json(seen);
  return {body["ready"].get<bool>() ? 200U : 503U, std::string(json_type), dump(body)};
}

// /api/why?host=www.example.com
AdminAnswer answer_why(std::string_view target, const Observation& seen) {
  constexpr std::string_view key = "?host=";
  const auto at = target.find(key);
  const auto host =
      at == std::string_view::npos ? std::nullopt : certstore::canonical_host_name(target.substr(at + key.size()));
  const auto address =
      at == std::string_view::npos ? std::nullopt : base::IpAddress::parse(target.substr(at + key.size()));
  if (!host && !address)
    return {400, std::string(json_type), dump(Json{{"error", "host: a host name or an address is needed"}})};
  return {200, std::string(json_type), dump(why_json(seen, host ? *host : address->to_string()))};
}

AdminAnswer refusal(unsigned status, const char* why) {
  return {status, std::string(json_type), dump(Json{{"error", why}})};
}

}  // namespace

AdminAnswer answer_admin(const AdminRequest& request, const Observe& observe) {
  const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  const auto page = std::ranges::find(pages, path, &Page::path);
  const bool why = path == "/api/why";
  const bool known = page != pages.end() || why || path == "/healthz" || path == "/readyz";
  if (!known) return refusal(404, "no such page");
  if (request.method != "GET" && request.method != "HEAD") return refusal(405, "only GET and HEAD");
  // Alive is a thread that answers: nothing else is asked, so that a lock held elsewhere does not restart the process.
  if (path == "/healthz") return {200, std::string(json_type), dump(Json{{"alive", true}})};
  if (path == "/readyz") return readiness(observe());
  if (why) return answer_why(request.target, observe());
  return {200, std::string(page->content_type), page->render(observe())};
}

bool is_local_host_header(std::string_view host) {
  std::string_view name = host;
  if (name.starts_with('[')) {
    const auto end = name.find(']');
    if (end == std::string_view::npos) return false;
    name = name.substr(0, end + 1);
  } else {
    name = name.substr(0, name.find(':'));
  }
  const std::string_view port = host.substr(name.size());
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!port.empty() && (port.front() != ':' || port.size() > 6 || !std::ranges::all_of(port.substr(1), is_digit)))
    return false;

  constexpr std::string_view localhost = "localhost";
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::ranges::equal(name, localhost, same) || base::IpAddress::parse(name).has_value();
}

}  // namespace app
