#include "proxy/header_list.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/ascii.h"

namespace proxy {
namespace {

boost::beast::string_view beast_view(std::string_view text) {
  return {text.data(), text.size()};
}

constexpr std::size_t smallest_block = 512;
constexpr std::size_t usual_count = 24;

}  // namespace

const LowerNames lower_names;

LowerNames::LowerNames() {
  for (std::size_t id = 1; id < views_.size(); ++id) {
    const auto name = http::to_string(static_cast<http::field>(id));
    text_ += base::lower_case({name.data(), name.size()});
  }
  const char* at = text_.data();
  for (std::size_t id = 1; id < views_.size(); ++id) {
    views_[id] = {at, http::to_string(static_cast<http::field>(id)).size()};
    at += views_[id].size();
  }
}

bool iequals(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return base::lower(x) == base::lower(y); });
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <class Parts>
void HeaderList::append(http::field id, std::string_view name, const Parts& parts) {
  const std::size_t name_size = id == http::field::unknown ? name.size() : 0;
  std::size_t value_size = 0;
  for (const std::string_view part : parts) value_size += part.size();
  const std::size_t at = bytes_.size();
  const std::size_t needed = at + name_size + value_size;
  // Into a new block while the old one still lives: the parts may be views into it.
  std::string grown;
  const bool grows = needed > bytes_.capacity();
  if (grows) {
    grown.reserve(std::max({needed, 2 * bytes_.capacity(), smallest_block}));
    grown.append(bytes_);
  }
  (grows ? grown : bytes_).resize_and_overwrite(needed, [&](char* block, std::size_t) {
    char* to = block + at;
    base::copy_lower(to, name.substr(0, name_size));
    to += name_size;
    for (const std::string_view part : parts) {
      if (!part.empty()) std::memcpy(to, part.data(), part.size());
      to += part.size();
    }
    return needed;
  });
  if (grows) bytes_ = std::move(grown);
  if (entries_.empty()) entries_.reserve(usual_count);
  known_names_ += name.size() - name_size;
  entries_.push_back({id, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(name_size),
                      static_cast<std::uint32_t>(value_size)});
}

void HeaderList::add(http::field id, std::string_view name, std::string_view value) {
  append(id, name, std::array{value});
}

void HeaderList::add_parts(http::field id, std::string_view name, std::initializer_list<std::string_view> parts) {
  append(id, name, parts);
}

void HeaderList::add(std::string_view name, std::string_view value) {
  add(http::string_to_field(beast_view(name)), name, value);
}

void HeaderList::add(http::field id, std::string_view value) {
  add(id, lower_names[id], value);
}

void HeaderList::set(http::field id, std::string_view value) {
  remove(id);
  add(id, value);
}

void HeaderList::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void HeaderList::remove(http::field id) {
  std::erase_if(entries_, [id](const Entry& entry) { return entry.id == id; });
}

void HeaderList::remove(std::string_view name) {
  remove_if([&](const HeaderView& field) { return iequals(field.name, name); });
}

void HeaderList::clear() noexcept {
  bytes_.clear();
  known_names_ = 0;
  entries_.clear();
}

std::optional<std::string_view> HeaderList::find(http::field id) const noexcept {
  for (const Entry& entry : entries_) {
    if (entry.id == id) return view(entry).value;
  }
  return std::nullopt;
}

std::optional<std::string_view> HeaderList::find(std::string_view name) const noexcept {
  for (const HeaderView field : *this) {
    if (iequals(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t HeaderList::count(http::field id) const noexcept {
  return static_cast<std::size_t>(std::ranges::count(entries_, id, &Entry::id));
}

bool HeaderList::has_token(http::field id, std::string_view token) const noexcept {
  for (const HeaderView field : *this) {
    if (field.id != id) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (iequals(trim(rest.substr(0, comma)), token)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

std::string HeaderList::joined(http::field id) const {
  std::string all;
  for (const HeaderView field : *this) {
    if (field.id != id) continue;
    if (!all.empty()) all += ", ";
    all += field.value;
  }
  return all;
}

}  // namespace proxy
