#include "app/status_page.h"

#include <initializer_list>

#include <fmt/format.h>

#include "app/api.h"
#include "base/timestamps.h"

namespace app {
namespace {

// Rows on the page for one table; the whole is in the API.
constexpr std::size_t most_rows = 500;

constexpr std::string_view head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width"><title>sekisho</title><style>
:root{color-scheme:light dark}
body{font:14px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:72rem;padding:0 1rem}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884;vertical-align:top;overflow-wrap:anywhere}
th{font-weight:600;white-space:nowrap}
.good{color:#17803d}.bad{color:#c81e1e;font-weight:600}.dim{opacity:.65}
@media(prefers-color-scheme:dark){.good{color:#4ade80}.bad{color:#f87171}}
</style></head><body>
)";

struct Cell {
  std::string text;
  std::string_view kind = {};  // a class of the style sheet
};

class Table {
 public:
  Table(std::string& out, std::string_view title, std::initializer_list<std::string_view> columns) : out_(out) {
    out_ += fmt::format("<h2>{}</h2>\n<table><tr>", title);
    for (const std::string_view column : columns) out_ += fmt::format("<th>{}</th>", column);
    out_ += "</tr>\n";
  }
  ~Table() {
    if (rows_ > most_rows) out_ += fmt::format("<tr><td class=\"dim\">{} more</td></tr>\n", rows_ - most_rows);
    out_ += "</table>\n";
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  void row(std::initializer_list<Cell> cells) {
    if (++rows_ > most_rows) return;
    out_ += "<tr>";
    for (const Cell& cell : cells) out_ += fmt::format("<td class=\"{}\">{}</td>", cell.kind, escape_html(cell.text));
    out_ += "</tr>\n";
  }

 private:
  std::string& out_;
  std::size_t rows_ = 0;
};

std::string joined(const Json& values) {
  std::string result;
  for (const Json& value : values) {
    if (!result.empty()) result += ", ";
    result += value.get<std::string>();
  }
  return result;
}

void add_summary(std::string& out, const Observation& seen) {
  const Json status = status_json(seen);
  const bool ready = status["ready"].get<bool>();
  out += fmt::format("<h1>sekisho <span class=\"{}\">{}</span></h1>\n", ready ? "good" : "bad",
                     ready ? "ready" : "not ready");
  out += fmt::format("<p>version {} · generation {} · up since {} · listening on {}</p>\n",
                     escape_html(status["version"].get<std::string>()), status["generation"].get<std::uint64_t>(),
                     status["started"].get<std::string>(), escape_html(joined(status["listeners"])));
  for (const char* kind : {"reasons", "warnings"}) {
    for (const Json& line : status[kind]) {
      out += fmt::format("<p class=\"bad\">{}</p>\n", escape_html(line.get<std::string>()));
    }
  }
  for (const Json& line : status["reload"]["problems"]) {
    out += fmt::format("<p><code>{}</code></p>\n", escape_html(line.get<std::string>()));
  }
}

void add_certificates(std::string& out, const Observation& seen) {
  Table table(out, "Certificates", {"Names", "State", "Expires", "Key", "Issuer", "Source", "Problem"});
  for (const certstore::CertificateStatus& status : seen.certificates) {
    const CertificateState state = state_of(status, seen.now);
    const bool good = state == CertificateState::valid || state == CertificateState::unused;
    Cell names, expires, key, issuer;
    if (status.serving) {
      const certstore::Facts& facts = status.serving->facts();
      for (const std::string& name : facts.dns_names) names.text += name + ' ';
      for (const std::string& address : facts.ip_addresses) names.text += address + ' ';
      expires.text = base::to_rfc3339(facts.not_after);
      key.text = facts.key_type == certstore::KeyType::rsa ? "RSA" : "ECDSA";
      issuer.text = facts.issuer.common_name;
    }
    table.row({names,
               {to_string(state), good ? "good" : "bad"},
               expires,
               key,
               issuer,
               {status.id, "dim"},
               {status.problem, "bad"}});
  }
}

void add_routes(std::string& out, const Observation& seen) {
  Table table(out, "Routes", {"Name", "Hosts", "Path", "Action", "Requests"});
  for (const Json& route : routes_json(seen)) {
    table.row({{route["name"].get<std::string>()},
               {route["hosts"].empty() ? "any" : joined(route["hosts"])},
               {fmt::format("{} {}", route["path_match"].get<std::string>(), route["path"].get<std::string>())},
               {route["action"].get<std::string>()},
               {std::to_string(route["requests"].get<std::uint64_t>())}});
  }
}

void add_backends(std::string& out, const Observation& seen) {
  Table table(out, "Backends", {"Name", "Endpoint", "State", "Requests", "Failures", "In flight"});
  for (const Json& backend : backends_json(seen)) {
    const auto name = backend["name"].get<std::string>();
    if (backend["endpoints"].empty())
      table.row({{name}, {}, {backend["problem"].get<std::string>(), "bad"}, {}, {}, {}});
    for (const Json& endpoint : backend["endpoints"]) {
      const bool healthy = endpoint["healthy"].get<bool>();
      table.row({{name},
                 {endpoint["address"].get<std::string>()},
                 {healthy ? "healthy" : "unhealthy", healthy ? "good" : "bad"},
                 {std::to_string(endpoint.value("requests", std::uint64_t{0}))},
                 {std::to_string(endpoint.value("failures", std::uint64_t{0}))},
                 {std::to_string(endpoint.value("in_flight", std::int64_t{0}))}});
    }
  }
}

void add_workers(std::string& out, const Observation& seen) {
  Table table(out, "Workers", {"Worker", "Generation", "Connections open", "Connections", "Requests"});
  for (std::size_t i = 0; i < seen.workers.size(); ++i) {
    const proxy::WorkerStats& stats = *seen.workers[i];
    table.row({{std::to_string(i)},
               {std::to_string(stats.generation.load())},
               {std::to_string(stats.connections_open.value())},
               {std::to_string(stats.connections_accepted.value())},
               {std::to_string(stats.requests_h1.value() + stats.requests_h2.value())}});
  }
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string render_status_page(const Observation& seen) {
  std::string page(head);
  add_summary(page, seen);
  add_certificates(page, seen);
  add_routes(page, seen);
  add_backends(page, seen);
  add_workers(page, seen);
  page +=
      "<p class=\"dim\">The same as JSON: /api/status, /api/certificates, /api/routes, /api/backends, /api/config. "
      "For Prometheus: /metrics.</p>\n</body></html>\n";
  return page;
}

}  // namespace app
