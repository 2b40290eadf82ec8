// JsonText: a JSON document with the places of its parts, so that one can be replaced and all else stays byte for byte.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "azure/secret_text.h"
#include "base/error.h"

namespace azure {

// A part of a text, [begin, end).
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

// In the place of the bytes of `at`; what is put there may be a private key. An empty span: put in before `at.begin`.
struct Edit {
  Span at;
  SecretText text;
};

// What becomes of an array's elements, by their places; those that are not named stay. All texts are JSON.
struct ElementChanges {
  std::map<std::size_t, SecretText> replaced;
  std::set<std::size_t> removed;
  std::vector<SecretText> added;
  [[nodiscard]] bool empty() const { return replaced.empty() && removed.empty() && added.empty(); }
};

// With commas between them.
[[nodiscard]] SecretText joined(const std::vector<SecretText>& texts);

// Immutable.
class JsonText {
 public:
  // `text` is controlled by the other side, of bounded size. Errors: `protocol` for what is no JSON, or is nested more
  // than base::deepest_json.
  [[nodiscard]] static base::Result<JsonText> parse(std::string text);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] Span whole() const noexcept { return whole_; }
  [[nodiscard]] std::string_view at(Span span) const;

  // The value of a member of the object at `object`; of several with one name the last, which is what parsers take.
  // None: there is none, or that is no object.
  [[nodiscard]] std::optional<Span> member(Span object, std::string_view name) const;
  // In order. Empty: the array is, or that is none.
  [[nodiscard]] std::vector<Span> elements(Span array) const;
  // One more member at the end of an object. `value`: JSON.
  [[nodiscard]] Edit added_member(Span object, std::string_view name, std::string_view value) const;
  [[nodiscard]] std::vector<Edit> changed_elements(Span array, const ElementChanges& changes) const;

  // The text with all of these done. Errors: `internal` where two of them overlap.
  [[nodiscard]] base::Result<SecretText> edited(std::vector<Edit> edits) const;

 private:
  JsonText(std::string text, Span whole) : text_(std::move(text)), whole_(whole) {}
  [[nodiscard]] std::size_t after_space(std::size_t at) const;
  [[nodiscard]] std::size_t after_string(std::size_t at) const;
  [[nodiscard]] std::size_t after_value(std::size_t at) const;

  std::string text_;
  Span whole_;
};

}  // namespace azure
