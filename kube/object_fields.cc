#include "kube/object_fields.h"

#include <fmt/format.h>

#include <utility>

#include "base/json.h"

namespace kube {
namespace {

using nlohmann::json;

constexpr std::size_t longest_message = 1024;

std::string_view kind_of(const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      return "a mapping";
    case json::value_t::array:
      return "a list";
    case json::value_t::string:
      return "text";
    case json::value_t::boolean:
      return "true or false";
    case json::value_t::null:
      return "nothing";
    default:
      return value.is_number() ? "a number" : "something else";
  }
}

const json& no_fields() {
  static const json empty = json::object();
  return empty;
}

void add(ObjectFaults& faults, ObjectFault fault) {
  if (faults.size() < most_faults) faults.push_back(std::move(fault));
}

}  // namespace

std::string ObjectFault::to_string() const {
  return fmt::format("{}{}found {}, expected {}", place, place.empty() ? "" : ": ", found, expected);
}

std::string to_string(const ObjectFaults& faults) {
  std::string text;
  for (const ObjectFault& fault : faults) {
    if (!text.empty()) text += "; ";
    text += fault.to_string();
    if (text.size() > longest_message) return text.substr(0, longest_message - 3) + "...";
  }
  return text;
}

ObjectFields::ObjectFields(const json& value, std::string place, ObjectFaults& faults)
    : value_(&value), place_(std::move(place)), faults_(&faults) {
  if (value.is_object()) return;
  add(faults, {place_, std::string(kind_of(value)), "a mapping"});
  value_ = &no_fields();
}

std::string ObjectFields::place_of(std::string_view key) const {
  return place_.empty() ? std::string(key) : fmt::format("{}.{}", place_, key);
}

const json* ObjectFields::find(std::string_view key) const {
  const auto found = value_->find(key);
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

void ObjectFields::refuse(std::string_view key, std::string found, std::string expected) const {
  add(*faults_, {place_of(key), std::move(found), std::move(expected)});
}

std::string ObjectFields::text(std::string_view key) const {
  const json* value = find(key);
  if (value == nullptr) return {};
  if (const auto* text = value->get_ptr<const std::string*>()) return *text;
  refuse(key, std::string(kind_of(*value)), "text");
  return {};
}

std::string ObjectFields::required_text(std::string_view key) const {
  const json* value = find(key);
  std::string read = text(key);
  if (read.empty() && (value == nullptr || value->is_string())) refuse(key, "nothing", "text");
  return read;
}

std::optional<bool> ObjectFields::boolean(std::string_view key) const {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  refuse(key, std::string(kind_of(*value)), "true or false");
  return std::nullopt;
}

std::optional<std::uint16_t> ObjectFields::port(std::string_view key) const {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_integer()) {
    // A number that does not fit is far from 1 to 65535 either way.
    const auto number = value->is_number_unsigned() && value->get<std::uint64_t>() > 65'535
                            ? std::int64_t{65'536}
                            : value->get<std::int64_t>();
    if (number >= 1 && number <= 65'535) return static_cast<std::uint16_t>(number);
  }
  refuse(key, value->is_number() ? base::json_line(*value) : std::string(kind_of(*value)), "a port, 1 to 65535");
  return std::nullopt;
}

std::vector<std::string> ObjectFields::texts(std::string_view key) const {
  std::vector<std::string> read;
  const json* value = find(key);
  if (value == nullptr) return read;
  if (!value->is_array()) {
    refuse(key, std::string(kind_of(*value)), "a list");
    return read;
  }
  for (const json& element : *value) {
    if (const auto* text = element.get_ptr<const std::string*>()) {
      read.push_back(*text);
    } else {
      refuse(fmt::format("{}[{}]", key, &element - &value->front()), std::string(kind_of(element)), "text");
    }
  }
  return read;
}

std::map<std::string, std::string> ObjectFields::text_map(std::string_view key) const {
  std::map<std::string, std::string> read;
  const auto fields = object(key);
  if (!fields) return read;
  for (const auto& [name, value] : fields->value_->items()) {
    if (const auto* text = value.get_ptr<const std::string*>()) {
      read.emplace(name, *text);
    } else if (!value.is_null()) {
      fields->refuse(name, std::string(kind_of(value)), "text");
    }
  }
  return read;
}

std::optional<ObjectFields> ObjectFields::object(std::string_view key) const {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  return ObjectFields(*value, place_of(key), *faults_);
}

std::vector<ObjectFields> ObjectFields::objects(std::string_view key) const {
  std::vector<ObjectFields> read;
  const json* value = find(key);
  if (value == nullptr) return read;
  if (!value->is_array()) {
    refuse(key, std::string(kind_of(*value)), "a list");
    return read;
  }
  read.reserve(value->size());
  for (const json& element : *value) {
    read.emplace_back(element, fmt::format("{}[{}]", place_of(key), read.size()), *faults_);
  }
  return read;
}

}  // namespace kube
