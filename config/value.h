// Value and Mapping: one place in the tree, read as what it should be. A value that is not what it should be becomes a
// fault at its place and reads as nothing, so that one pass finds every fault. Short-lived views; one thread.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/faults.h"
#include "config/host_names.h"
#include "config/keys.h"
#include "config/yaml_tree.h"

namespace config {

struct Scope {
  Faults& faults;
  std::filesystem::path folder;  // relative paths in the text start here
};

template <class T>
struct Range {
  T least;
  T most;
};

template <class E>
using Words = std::vector<std::pair<std::string_view, E>>;

class Value {
 public:
  // `place` is where faults are reported when the value itself is empty: its key.
  Value(const YamlNode& node, const Scope& scope, Mark place) : node_(&node), scope_(&scope), place_(place) {}
  Value(const YamlNode& node, const Scope& scope) : Value(node, scope, node.mark) {}

  [[nodiscard]] Mark mark() const { return node_->kind == YamlNode::Kind::null ? place_ : node_->mark; }
  [[nodiscard]] const YamlNode& node() const { return *node_; }
  [[nodiscard]] const Scope& scope() const { return *scope_; }
  [[nodiscard]] bool is(YamlNode::Kind kind) const { return node_->kind == kind; }
  // A plain scalar that reads `word`: not "true" in quotes.
  [[nodiscard]] bool is_word(std::string_view word) const;
  // "`text`", "a list", "a mapping", "nothing".
  [[nodiscard]] std::string description() const;

  // Reports what stands here, against what was expected.
  void refuse(std::string expected) const;
  void refuse(std::string found, std::string expected) const;

  [[nodiscard]] std::optional<std::string> text() const;       // one line, not empty
  [[nodiscard]] std::optional<std::string> free_text() const;  // any lines, may be empty
  [[nodiscard]] std::optional<bool> boolean() const;
  [[nodiscard]] std::optional<std::uint64_t> number(Range<std::uint64_t> range) const;
  [[nodiscard]] std::optional<milliseconds> duration(Range<milliseconds> range) const;
  [[nodiscard]] std::optional<Bytes> size(Range<Bytes> range) const;
  [[nodiscard]] std::optional<std::filesystem::path> path() const;
  [[nodiscard]] std::vector<Value> list() const;  // empty after a fault

  // One of `words`. Where one of them is `off`, a plain `false` is it too: YAML 1.1 tools write `off` so.
  template <class E>
  [[nodiscard]] std::optional<E> choice(const Words<E>& words) const {
    std::vector<std::string_view> names;
    for (const auto& [name, value] : words) names.push_back(name);
    const auto index = which(names);
    return index ? std::optional<E>(words[*index].second) : std::nullopt;
  }

  // Text as `parse` reads it; its complaint becomes the fault.
  template <class Parse>
  [[nodiscard]] auto parsed(Parse parse) const
      -> std::optional<typename decltype(parse(std::string_view()))::value_type> {
    const auto written = text();
    if (!written) return std::nullopt;
    auto result = parse(*written);
    if (!result) {
      refuse(std::move(result.error()));
      return std::nullopt;
    }
    return std::move(*result);
  }

 private:
  [[nodiscard]] std::optional<std::size_t> which(const std::vector<std::string_view>& names) const;

  const YamlNode* node_;
  const Scope* scope_;
  Mark place_;
};

// A mapping with known keys. Unknown and repeated keys, and a value that is no mapping, are reported on construction.
class Mapping {
 public:
  Mapping(Value value, const KeySet& keys);

  [[nodiscard]] const Value& value() const { return value_; }
  [[nodiscard]] bool has(std::string_view key) const { return find(key).has_value(); }
  [[nodiscard]] std::optional<Value> find(std::string_view key) const;
  // Whether the key is not there, and one that is not known probably should be it. That one is the fault then: what
  // follows from the key's absence is not reported beside it.
  [[nodiscard]] bool misspelt(std::string_view key) const;
  [[nodiscard]] std::optional<Value> require(std::string_view key) const;
  // The one of `keys` that is there; none and more than one are faults.
  [[nodiscard]] std::optional<std::string_view> only_one_of(const std::vector<std::string_view>& keys) const;
  // Where the key itself stands.
  [[nodiscard]] Mark key_mark(std::string_view key) const;
  void refuse_key(std::string_view key, std::string expected) const;

  // The value of `key`; `otherwise` if it is not there or faulty.
  [[nodiscard]] std::string text(std::string_view key, std::string otherwise = {}) const;
  [[nodiscard]] std::filesystem::path path(std::string_view key) const;
  [[nodiscard]] bool boolean(std::string_view key, bool otherwise) const;
  [[nodiscard]] unsigned number(std::string_view key, unsigned otherwise, Range<std::uint64_t> range) const;
  [[nodiscard]] milliseconds duration(std::string_view key, milliseconds otherwise, Range<milliseconds> range) const;
  // The same where a fraction of a second makes no sense.
  [[nodiscard]] seconds whole_seconds(std::string_view key, seconds otherwise, Range<milliseconds> range) const;
  [[nodiscard]] Bytes size(std::string_view key, Bytes otherwise, Range<Bytes> range) const;
  template <class E>
  [[nodiscard]] E choice(std::string_view key, E otherwise, const Words<E>& words) const {
    const auto there = find(key);
    return there ? there->choice(words).value_or(otherwise) : otherwise;
  }
  template <class Parse>
  [[nodiscard]] std::string parsed(std::string_view key, Parse parse) const {
    const auto there = find(key);
    return there ? there->parsed(parse).value_or(std::string()) : std::string();
  }

 private:
  Value value_;
  const KeySet* keys_;
  std::vector<std::string_view> misspelt_;  // keys that were probably meant by unknown ones
};

// The entries of a mapping whose keys are names that the operator chose; repeated ones are reported and left out.
struct NamedValue {
  std::string name;
  Value key;
  Value value;
};
[[nodiscard]] std::vector<NamedValue> named_values(const Value& value);

// Every element of a list as `parse` reads it; faulty ones are reported and left out.
template <class Parse>
[[nodiscard]] auto parsed_list(const std::optional<Value>& value, Parse parse) {
  std::vector<typename decltype(parse(std::string_view()))::value_type> result;
  if (!value) return result;
  for (const Value& element : value->list()) {
    auto one = element.parsed(parse);
    if (!one) continue;
    if (std::ranges::find(result, *one) != result.end()) {
      element.refuse("each only once");
    } else {
      result.push_back(std::move(*one));
    }
  }
  return result;
}

}  // namespace config
