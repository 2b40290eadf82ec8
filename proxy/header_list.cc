#include "proxy/header_list.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace proxy {
namespace {

boost::beast::string_view beast_view(std::string_view text) {
  return {text.data(), text.size()};
}

std::string_view name_of(http::field id) {
  const auto name = http::to_string(id);
  return {name.data(), name.size()};
}

constexpr std::size_t smallest_block = 512;
constexpr std::size_t usual_count = 24;

}  // namespace

bool iequals(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return base::lower(x) == base::lower(y); });
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

void HeaderList::add(http::field id, std::string_view name, std::string_view value) {
  add_parts(id, name, {value});
}

void HeaderList::add_parts(http::field id, std::string_view name, std::initializer_list<std::string_view> parts) {
  std::size_t value_size = 0;
  for (const std::string_view part : parts) value_size += part.size();
  const std::size_t name_at = bytes_.size();
  const std::size_t needed = name_at + name.size() + value_size;
  // Into a new block while the old one still lives: the parts may be views into it.
  std::string grown;
  const bool grows = needed > bytes_.capacity();
  std::string& into = grows ? grown : bytes_;
  if (grows) {
    grown.reserve(std::max({needed, 2 * bytes_.capacity(), smallest_block}));
    grown.append(bytes_);
  }
  into.append(name);
  std::transform(into.begin() + static_cast<std::ptrdiff_t>(name_at), into.end(),
                 into.begin() + static_cast<std::ptrdiff_t>(name_at), base::lower);
  for (const std::string_view part : parts) into.append(part);
  if (grows) bytes_ = std::move(grown);
  if (entries_.empty()) entries_.reserve(usual_count);
  entries_.push_back({id, static_cast<std::uint32_t>(name_at), static_cast<std::uint32_t>(name.size()),
                      static_cast<std::uint32_t>(name_at + name.size()), static_cast<std::uint32_t>(value_size)});
}

void HeaderList::add(std::string_view name, std::string_view value) {
  add(http::string_to_field(beast_view(name)), name, value);
}

void HeaderList::add(http::field id, std::string_view value) {
  add(id, name_of(id), value);
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
  std::erase_if(entries_, [&](const Entry& entry) {
    return iequals(std::string_view(bytes_).substr(entry.name_at, entry.name_size), name);
  });
}

void HeaderList::clear() noexcept {
  bytes_.clear();
  entries_.clear();
}

HeaderView HeaderList::operator[](std::size_t index) const noexcept {
  return view(entries_[index]);
}

std::optional<std::string_view> HeaderList::find(http::field id) const noexcept {
  for (const Entry& entry : entries_) {
    if (entry.id == id) return std::string_view(bytes_.data() + entry.value_at, entry.value_size);
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
