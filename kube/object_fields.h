// ObjectFields: one mapping of an object of the API, read as what it should be. What is not what it should be becomes a
// fault at its place and reads as nothing; unknown fields are left alone, for the API grows. Short-lived views; pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace kube {

// One thing that is wrong with an object.
struct ObjectFault {
  std::string place;  // "spec.rules[0].http.paths[1].backend"; empty: the object as a whole
  std::string found;  // never a value of a Secret
  std::string expected;
  // "spec.rules[0].host: found a number, expected text"
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const ObjectFault&, const ObjectFault&) = default;
};

using ObjectFaults = std::vector<ObjectFault>;

// An object, or all that is wrong with it (at most `most_faults`).
template <class T>
using ObjectRead = std::expected<T, ObjectFaults>;

inline constexpr std::size_t most_faults = 20;

// "a: found b, expected c; d: ..."; at most 1024 bytes, as the message of an Event.
[[nodiscard]] std::string to_string(const ObjectFaults& faults);

class ObjectFields {
 public:
  // `value` and `faults` outlive it. A value that is no mapping is a fault, and reads as an empty one.
  ObjectFields(const nlohmann::json& value, std::string place, ObjectFaults& faults);

  [[nodiscard]] const std::string& place() const noexcept { return place_; }
  [[nodiscard]] std::string place_of(std::string_view key) const;

  // Null counts as absent, as it does for the API.
  [[nodiscard]] const nlohmann::json* find(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }

  [[nodiscard]] std::string text(std::string_view key) const;  // empty if absent
  [[nodiscard]] std::string required_text(std::string_view key) const;
  [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
  [[nodiscard]] std::optional<std::uint16_t> port(std::string_view key) const;  // 1 to 65535
  [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
  [[nodiscard]] std::map<std::string, std::string> text_map(std::string_view key) const;
  [[nodiscard]] std::optional<ObjectFields> object(std::string_view key) const;
  [[nodiscard]] std::vector<ObjectFields> objects(std::string_view key) const;

  void refuse(std::string_view key, std::string found, std::string expected) const;

 private:
  const nlohmann::json* value_;
  std::string place_;
  ObjectFaults* faults_;
};

}  // namespace kube
