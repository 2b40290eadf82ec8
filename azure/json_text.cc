#include "azure/json_text.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace azure {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

SecretText joined(const std::vector<SecretText>& texts) {
  SecretText all;
  for (const SecretText& text : texts) {
    if (!all.empty()) all += ',';
    all += text;
  }
  return all;
}

base::Result<JsonText> JsonText::parse(std::string text) {
  const auto fault = [](std::string what) {
    return base::fail(base::Code::protocol, std::move(what), base::Origin::upstream, base::Retry::later);
  };
  if (base::parse_json(text).is_discarded()) {
    return fault(base::depth_of_json(text) > base::deepest_json
                     ? fmt::format("JSON that is nested more than {} deep", base::deepest_json)
                     : "an answer that is no JSON");
  }
  JsonText parsed(std::move(text), {});
  // A byte order mark, which the parser skips.
  const std::size_t mark = parsed.text_.starts_with("\xef\xbb\xbf") ? 3 : 0;
  parsed.whole_.begin = parsed.after_space(mark);
  parsed.whole_.end = parsed.after_value(parsed.whole_.begin);
  return parsed;
}

std::string_view JsonText::at(Span span) const {
  return std::string_view(text_).substr(span.begin, span.end - span.begin);
}

// What follows walks over text that a parser has accepted, and still never past its end.
std::size_t JsonText::after_space(std::size_t at) const {
  while (at < text_.size() && is_space(text_[at])) ++at;
  return at;
}

std::size_t JsonText::after_string(std::size_t at) const {
  for (++at; at < text_.size() && text_[at] != '"'; ++at) {
    if (text_[at] == '\\') ++at;
  }
  return std::min(at + 1, text_.size());
}

std::size_t JsonText::after_value(std::size_t at) const {
  int depth = 0;
  while (at < text_.size()) {
    const char c = text_[at];
    if (c == '"') {
      at = after_string(at);
      if (depth == 0) return at;
      continue;
    }
    const bool closes = c == '}' || c == ']';
    if (depth == 0 && (closes || c == ',' || is_space(c))) return at;
    ++at;
    if (c == '{' || c == '[') ++depth;
    if (closes && --depth == 0) return at;
  }
  return at;
}

std::optional<Span> JsonText::member(Span object, std::string_view name) const {
  std::optional<Span> found;
  if (object.begin >= object.end || text_[object.begin] != '{') return found;
  std::size_t at = after_space(object.begin + 1);
  while (at < object.end && text_[at] == '"') {
    const Span key{at, after_string(at)};
    at = after_space(after_space(key.end) + 1);  // behind the colon
    const Span value{at, after_value(at)};
    const auto decoded = base::parse_json(this->at(key));
    if (decoded.is_string() && decoded.get_ref<const std::string&>() == name) found = value;
    at = after_space(value.end);
    if (at < object.end && text_[at] == ',') at = after_space(at + 1);
  }
  return found;
}

std::vector<Span> JsonText::elements(Span array) const {
  std::vector<Span> found;
  if (array.begin >= array.end || text_[array.begin] != '[') return found;
  std::size_t at = after_space(array.begin + 1);
  while (at < array.end && text_[at] != ']') {
    found.push_back({at, after_value(at)});
    at = after_space(found.back().end);
    if (at < array.end && text_[at] == ',') at = after_space(at + 1);
  }
  return found;
}

Edit JsonText::added_member(Span object, std::string_view name, std::string_view value) const {
  const bool empty = text_[after_space(object.begin + 1)] == '}';
  SecretText text(empty ? "\"" : ",\"");
  text.append(name).append("\":").append(value);
  return {{object.end - 1, object.end - 1}, std::move(text)};
}

std::vector<Edit> JsonText::changed_elements(Span array, const ElementChanges& changes) const {
  const std::vector<Span> all = elements(array);
  std::vector<Edit> edits;
  bool any_stays = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!changes.removed.contains(i)) {
      any_stays = true;
      if (const auto found = changes.replaced.find(i); found != changes.replaced.end()) {
        edits.push_back({all[i], found->second});
      }
      continue;
    }
    // With each one that goes goes the comma before it, or the one behind it as long as none has stayed.
    const std::size_t begin = any_stays ? all[i - 1].end : all[i].begin;
    const std::size_t end = any_stays || i + 1 == all.size() ? all[i].end : all[i + 1].begin;
    edits.push_back({{begin, end}, {}});
  }
  if (!changes.added.empty()) {
    const std::size_t at = all.empty() ? array.end - 1 : all.back().end;
    edits.push_back({{at, at}, (any_stays ? "," : "") + joined(changes.added)});
  }
  return edits;
}

base::Result<SecretText> JsonText::edited(std::vector<Edit> edits) const {
  std::ranges::stable_sort(edits, {}, [](const Edit& edit) { return edit.at.begin; });
  SecretText result;
  std::size_t copied = 0;
  for (const Edit& edit : edits) {
    if (edit.at.begin < copied || edit.at.end < edit.at.begin || edit.at.end > text_.size()) {
      return base::fail(base::Code::internal, "two changes of one part of a document");
    }
    result.append(at({copied, edit.at.begin}));
    result += edit.text;
    copied = edit.at.end;
  }
  result.append(at({copied, text_.size()}));
  return result;
}

}  // namespace azure
