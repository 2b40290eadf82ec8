// HeaderList: the fields of one message in order, names in lower case, in one block of memory that is reused.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/beast/http/field.hpp>

namespace proxy {

namespace http = boost::beast::http;

// Views into the list; valid until it changes.
struct HeaderView {
  http::field id = http::field::unknown;
  std::string_view name;  // lower case
  std::string_view value;
};

// The names of all fields that have an id, in lower case; that of `unknown` is empty.
class LowerNames {
 public:
  LowerNames();
  LowerNames(const LowerNames&) = delete;
  LowerNames& operator=(const LowerNames&) = delete;
  [[nodiscard]] std::string_view operator[](http::field id) const noexcept {
    return views_[static_cast<std::size_t>(id)];
  }

 private:
  std::string text_;
  std::array<std::string_view, static_cast<std::size_t>(http::field::xref) + 1> views_;
};
extern const LowerNames lower_names;

// A set of fields that have an id: one look says whether a field is in it.
class FieldSet {
 public:
  constexpr FieldSet(std::initializer_list<http::field> fields) {
    for (const http::field id : fields) in_[static_cast<std::size_t>(id)] = true;
  }
  [[nodiscard]] constexpr bool has(http::field id) const noexcept { return in_[static_cast<std::size_t>(id)]; }

 private:
  std::array<bool, static_cast<std::size_t>(http::field::xref) + 1> in_{};
};

class HeaderList {
 public:
  // Appends. The name is lower-cased; `id` must be its Beast name, or use the second form, which looks it up.
  void add(http::field id, std::string_view name, std::string_view value);
  void add(std::string_view name, std::string_view value);
  // For fields that have an id.
  void add(http::field id, std::string_view value);
  // The value is the parts, one after the other. These, and the values of all other forms, may be views into this list.
  void add_parts(http::field id, std::string_view name, std::initializer_list<std::string_view> parts);
  // Removes all fields of that name, then appends.
  void set(http::field id, std::string_view value);
  void set(std::string_view name, std::string_view value);
  void remove(http::field id);
  void remove(std::string_view name);  // any case
  // Removes every field for which `matches(HeaderView)` is true, in one pass. Views into the list stay valid until the
  // next add.
  template <class Predicate>
  void remove_if(Predicate matches) {
    std::erase_if(entries_, [&](const Entry& entry) { return matches(view(entry)); });
  }
  void clear() noexcept;

  // The first one of that name.
  [[nodiscard]] std::optional<std::string_view> find(http::field id) const noexcept;
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t count(http::field id) const noexcept;
  // Whether a comma-separated list field holds this token, in any case.
  [[nodiscard]] bool has_token(http::field id, std::string_view token) const noexcept;
  // All values of that name joined with ", ".
  [[nodiscard]] std::string joined(http::field id) const;

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  // Bytes that it holds on to, used or not.
  [[nodiscard]] std::size_t room() const noexcept { return bytes_.capacity() + entries_.capacity() * sizeof(Entry); }
  // Names and values, what limits are counted in.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.size() + known_names_; }
  [[nodiscard]] HeaderView operator[](std::size_t index) const noexcept { return view(entries_[index]); }

  class Iterator {
   public:
    Iterator(const HeaderList* list, std::size_t index) : list_(list), index_(index) {}
    HeaderView operator*() const noexcept { return (*list_)[index_]; }
    Iterator& operator++() noexcept {
      ++index_;
      return *this;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const HeaderList* list_;
    std::size_t index_;
  };
  [[nodiscard]] Iterator begin() const noexcept { return {this, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {this, entries_.size()}; }

 private:
  template <class Parts>
  void append(http::field id, std::string_view name, const Parts& parts);
  // Of a field with an id the name is not kept. The value follows the name.
  struct Entry {
    http::field id;
    std::uint32_t at, name_size, value_size;
  };
  [[nodiscard]] HeaderView view(const Entry& entry) const noexcept {
    const char* at = bytes_.data() + entry.at;
    return {entry.id, entry.id == http::field::unknown ? std::string_view(at, entry.name_size) : lower_names[entry.id],
            std::string_view(at + entry.name_size, entry.value_size)};
  }

  std::string bytes_;
  std::size_t known_names_ = 0;  // bytes of the names that are not kept
  std::vector<Entry> entries_;
};

// ASCII, without locale.
[[nodiscard]] bool iequals(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

}  // namespace proxy
