#include "config/value.h"

#include <fmt/format.h>

#include <cassert>
#include <charconv>
#include <set>

#include "config/quantities.h"
#include "config/utf8.h"

namespace config {
namespace {

std::string spoken(std::string_view noun) {
  std::string words(noun);
  std::ranges::replace(words, '_', ' ');
  return words;
}

}  // namespace

bool Value::is_word(std::string_view word) const {
  return node_->kind == YamlNode::Kind::scalar && node_->plain && node_->text == word;
}

std::string Value::description() const {
  switch (node_->kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::scalar:
      return quote(node_->text);
    case YamlNode::Kind::sequence:
      return "a list";
    case YamlNode::Kind::mapping:
      return "a mapping";
  }
  return "nothing";
}

void Value::refuse(std::string expected) const {
  refuse(description(), std::move(expected));
}

void Value::refuse(std::string found, std::string expected) const {
  scope_->faults.add(mark(), std::move(found), std::move(expected));
}

std::optional<std::string> Value::free_text() const {
  if (node_->kind == YamlNode::Kind::scalar && !first_not_text(node_->text)) return node_->text;
  refuse("text");
  return std::nullopt;
}

std::optional<std::string> Value::text() const {
  const bool scalar = node_->kind == YamlNode::Kind::scalar;
  if (!scalar || node_->text.empty()) {
    refuse(scalar ? "text that is not empty" : "text");
    return std::nullopt;
  }
  if (first_not_text(node_->text) || node_->text.find_first_of("\t\r\n") != std::string::npos) {
    refuse("one line of text without control characters");
    return std::nullopt;
  }
  return node_->text;
}

std::optional<bool> Value::boolean() const {
  if (is_word("true") || is_word("True") || is_word("TRUE")) return true;
  if (is_word("false") || is_word("False") || is_word("FALSE")) return false;
  refuse("true or false");
  return std::nullopt;
}

std::optional<std::uint64_t> Value::number(Range<std::uint64_t> range) const {
  std::uint64_t number = 0;
  const std::string& digits = node_->text;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = node_->kind == YamlNode::Kind::scalar && node_->plain && error == std::errc{} &&
                     end == digits.data() + digits.size();
  if (whole && number >= range.least && number <= range.most) return number;
  refuse(fmt::format("a whole number from {} to {}", range.least, range.most));
  return std::nullopt;
}

std::optional<milliseconds> Value::duration(Range<milliseconds> range) const {
  const auto duration = is(YamlNode::Kind::scalar) ? parse_duration(node_->text) : std::nullopt;
  if (duration && *duration >= range.least && *duration <= range.most) return duration;
  refuse(fmt::format("a duration from {} to {}, with a unit of ms, s, m, h, d", to_string(range.least),
                     to_string(range.most)));
  return std::nullopt;
}

std::optional<Bytes> Value::size(Range<Bytes> range) const {
  const auto size = is(YamlNode::Kind::scalar) ? parse_size(node_->text) : std::nullopt;
  if (size && *size >= range.least && *size <= range.most) return size;
  refuse(fmt::format("a size from {} to {}, in bytes or with a unit of KiB, MiB, GiB", to_string(range.least),
                     to_string(range.most)));
  return std::nullopt;
}

std::optional<std::filesystem::path> Value::path() const {
  const auto written = text();
  if (!written) return std::nullopt;
  const std::filesystem::path path(*written);
  return (path.is_absolute() ? path : scope_->folder / path).lexically_normal();
}

std::vector<Value> Value::list() const {
  std::vector<Value> values;
  if (node_->kind != YamlNode::Kind::sequence) {
    refuse("a list");
    return values;
  }
  values.reserve(node_->items.size());
  for (const YamlNode& item : node_->items) {
    values.emplace_back(item, *scope_, item.mark.line == 0 ? mark() : item.mark);
  }
  return values;
}

std::optional<std::size_t> Value::which(const std::vector<std::string_view>& names) const {
  const bool is_false = is_word("false") || is_word("False") || is_word("FALSE");
  const std::string_view written = is_false ? std::string_view("off") : std::string_view(node_->text);
  const auto found = std::ranges::find(names, written);
  if (is(YamlNode::Kind::scalar) && found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const std::string hint = is(YamlNode::Kind::scalar) ? suggestion(written, names) : std::string();
  refuse((names.size() == 1 ? "" : "one of ") + joined(names) + hint);
  return std::nullopt;
}

Mapping::Mapping(Value value, const KeySet& keys) : value_(value), keys_(&keys) {
  const YamlNode& node = value_.node();
  if (node.kind != YamlNode::Kind::mapping) {
    // An empty mapping written as nothing ("tls:") says nothing, which is most often half an edit.
    value_.refuse(fmt::format("a mapping with keys of {}: {}", joined(keys.list()), spoken(keys.noun)));
    return;
  }
  std::set<std::string_view> seen;
  for (const YamlNode& key : node.keys) {
    if (!keys.has(key.text)) {
      const std::string_view meant = nearest(key.text, keys.list());
      if (!meant.empty()) misspelt_.push_back(meant);
      value_.scope().faults.add(key.mark, "key " + quote(key.text),
                                "one of " + joined(keys.list()) + suggestion(key.text, keys.list()));
    } else if (!seen.insert(key.text).second) {
      value_.scope().faults.add(key.mark, "key " + quote(key.text) + " a second time", "each key only once");
    }
  }
}

std::optional<Value> Mapping::find(std::string_view key) const {
  assert(keys_->has(key));
  const YamlNode& node = value_.node();
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (node.keys[i].text == key) return Value(node.items[i], value_.scope(), node.keys[i].mark);
  }
  return std::nullopt;
}

bool Mapping::misspelt(std::string_view key) const {
  return !has(key) && std::ranges::find(misspelt_, key) != misspelt_.end();
}

std::optional<Value> Mapping::require(std::string_view key) const {
  auto there = find(key);
  if (!there && value_.is(YamlNode::Kind::mapping) && !misspelt(key)) {
    value_.refuse(fmt::format("{} without `{}`", spoken(keys_->noun), key), fmt::format("the key `{}`", key));
  }
  return there;
}

std::optional<std::string_view> Mapping::only_one_of(const std::vector<std::string_view>& keys) const {
  std::optional<std::string_view> only;
  for (const std::string_view key : keys) {
    if (!has(key)) continue;
    if (only) {
      refuse_key(key, fmt::format("only one of {}, and `{}` is there", joined(keys), *only));
    } else {
      only = key;
    }
  }
  const auto is_misspelt = [this](std::string_view key) { return misspelt(key); };
  if (!only && value_.is(YamlNode::Kind::mapping) && std::ranges::none_of(keys, is_misspelt)) {
    value_.refuse(fmt::format("{} with none of {}", spoken(keys_->noun), joined(keys)), "one of them");
  }
  return only;
}

Mark Mapping::key_mark(std::string_view key) const {
  for (const YamlNode& known : value_.node().keys) {
    if (known.text == key) return known.mark;
  }
  return value_.mark();
}

void Mapping::refuse_key(std::string_view key, std::string expected) const {
  value_.scope().faults.add(key_mark(key), quote(key), std::move(expected));
}

std::string Mapping::text(std::string_view key, std::string otherwise) const {
  const auto there = find(key);
  return there ? there->text().value_or(std::move(otherwise)) : otherwise;
}

std::filesystem::path Mapping::path(std::string_view key) const {
  const auto there = find(key);
  return there ? there->path().value_or(std::filesystem::path()) : std::filesystem::path();
}

bool Mapping::boolean(std::string_view key, bool otherwise) const {
  const auto there = find(key);
  return there ? there->boolean().value_or(otherwise) : otherwise;
}

unsigned Mapping::number(std::string_view key, unsigned otherwise, Range<std::uint64_t> range) const {
  const auto there = find(key);
  return there ? static_cast<unsigned>(there->number(range).value_or(otherwise)) : otherwise;
}

milliseconds Mapping::duration(std::string_view key, milliseconds otherwise, Range<milliseconds> range) const {
  const auto there = find(key);
  return there ? there->duration(range).value_or(otherwise) : otherwise;
}

seconds Mapping::whole_seconds(std::string_view key, seconds otherwise, Range<milliseconds> range) const {
  const milliseconds wanted = duration(key, otherwise, range);
  if (wanted.count() % 1000 != 0) find(key)->refuse("whole seconds");
  return std::chrono::duration_cast<seconds>(wanted);
}

Bytes Mapping::size(std::string_view key, Bytes otherwise, Range<Bytes> range) const {
  const auto there = find(key);
  return there ? there->size(range).value_or(otherwise) : otherwise;
}

std::vector<NamedValue> named_values(const Value& value) {
  std::vector<NamedValue> entries;
  if (!value.is(YamlNode::Kind::mapping)) {
    value.refuse("a mapping from names");
    return entries;
  }
  const YamlNode& node = value.node();
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const Value key(node.keys[i], value.scope());
    if (!seen.insert(node.keys[i].text).second) {
      key.refuse("key " + quote(node.keys[i].text) + " a second time", "each key only once");
      continue;
    }
    if (auto name = key.text()) {
      entries.push_back({std::move(*name), key, Value(node.items[i], value.scope(), node.keys[i].mark)});
    }
  }
  return entries;
}

}  // namespace config
