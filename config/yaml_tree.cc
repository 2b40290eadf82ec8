#include "config/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <istream>
#include <map>
#include <streambuf>
#include <utility>

#include "config/utf8.h"

namespace config {
namespace {

Mark to_mark(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<unsigned>(mark.line) + 1, static_cast<unsigned>(mark.column) + 1};
}

// Builds the tree from yaml-cpp's events. After the first fault it ignores the rest: the shape cannot be trusted any
// more.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const YamlBounds& bounds, Faults& faults) : bounds_(bounds), faults_(faults) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.mark = to_mark(mark);
    complete(std::move(node), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.mark = to_mark(mark);
    node.plain = tag == "?" || tag.empty();
    node.text = value;
    check_tag(node.mark, tag);
    complete(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::mapping, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] std::optional<YamlNode> take_root() { return broken_ ? std::nullopt : std::move(root_); }
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
  };
  struct Cost {
    std::size_t nodes = 1;
    std::size_t bytes = 0;
  };

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor);
  void close();
  void complete(YamlNode node, YAML::anchor_t anchor);
  void attach(YamlNode node);
  [[nodiscard]] bool pay_for_copy(const YamlNode& node, Mark at);
  void check_tag(Mark at, const std::string& tag);
  void refuse(Mark at, std::string found, std::string expected);
  static Cost cost_of(const YamlNode& node);

  YamlBounds bounds_;
  Faults& faults_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  std::optional<YamlNode> root_;
  std::size_t nodes_ = 0;
  std::size_t copied_bytes_ = 0;
  bool broken_ = false;
};

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (broken_) return;
  const auto known = anchors_.find(anchor);
  if (known == anchors_.end()) {
    refuse(to_mark(mark), "an alias inside the value that it names", "an alias of something before it");
    return;
  }
  if (pay_for_copy(known->second, to_mark(mark))) attach(known->second);
}

bool TreeBuilder::pay_for_copy(const YamlNode& node, Mark at) {
  const Cost cost = cost_of(node);
  nodes_ += cost.nodes;
  copied_bytes_ += cost.bytes;
  if (nodes_ <= bounds_.nodes && copied_bytes_ <= bounds_.copied_bytes) return true;
  refuse(at, "aliases that repeat too much", fmt::format("at most {} values in all", bounds_.nodes));
  return false;
}

void TreeBuilder::open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
  if (broken_) return;
  Open opened;
  opened.node.kind = kind;
  opened.node.mark = to_mark(mark);
  opened.anchor = anchor;
  check_tag(opened.node.mark, tag);
  if (open_.size() >= bounds_.depth) {
    refuse(opened.node.mark, "lists or mappings nested too deeply", fmt::format("at most {} levels", bounds_.depth));
    return;
  }
  open_.push_back(std::move(opened));
}

void TreeBuilder::close() {
  if (broken_) return;
  Open closed = std::move(open_.back());
  open_.pop_back();
  complete(std::move(closed.node), closed.anchor);
}

void TreeBuilder::complete(YamlNode node, YAML::anchor_t anchor) {
  if (broken_) return;
  if (++nodes_ > bounds_.nodes) {
    refuse(node.mark, "too many values", fmt::format("at most {}", bounds_.nodes));
    return;
  }
  if (anchor != 0) {
    if (!pay_for_copy(node, node.mark)) return;
    anchors_.insert_or_assign(anchor, node);
  }
  attach(std::move(node));
}

void TreeBuilder::attach(YamlNode node) {
  if (open_.empty()) {
    root_ = std::move(node);
    return;
  }
  YamlNode& parent = open_.back().node;
  if (parent.kind == YamlNode::Kind::mapping && parent.keys.size() == parent.items.size()) {
    if (node.kind != YamlNode::Kind::scalar) {
      refuse(node.mark, "a key that is not text", "a key");
      return;
    }
    parent.keys.push_back(std::move(node));
  } else {
    parent.items.push_back(std::move(node));
  }
}

void TreeBuilder::check_tag(Mark at, const std::string& tag) {
  const bool known = tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:str" ||
                     tag == "tag:yaml.org,2002:seq" || tag == "tag:yaml.org,2002:map";
  if (!known) refuse(at, "tag " + quote(tag), "a value without a tag");
}

void TreeBuilder::refuse(Mark at, std::string found, std::string expected) {
  if (!broken_) faults_.add(at, std::move(found), std::move(expected));
  broken_ = true;
}

TreeBuilder::Cost TreeBuilder::cost_of(const YamlNode& node) {
  Cost cost{1, node.text.size()};
  const auto add = [&cost](const std::vector<YamlNode>& children) {
    for (const YamlNode& child : children) {
      const Cost more = cost_of(child);
      cost.nodes += more.nodes;
      cost.bytes += more.bytes;
    }
  };
  add(node.keys);
  add(node.items);
  return cost;
}

// Reads from memory that it does not own, without a copy.
class TextBuffer final : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // a streambuf that is only read never writes here
    setg(begin, begin, begin + text.size());
  }
};

Mark mark_at(std::string_view text, std::size_t offset) {
  Mark mark{1, 1};
  for (const char c : text.substr(0, offset)) {
    mark = c == '\n' ? Mark{mark.line + 1, 1} : Mark{mark.line, mark.column + 1};
  }
  return mark;
}

bool acceptable_text(std::string_view text, const YamlBounds& bounds, Faults& faults) {
  if (text.size() > bounds.bytes) {
    faults.add({}, fmt::format("{} bytes", text.size()), fmt::format("at most {}", bounds.bytes));
    return false;
  }
  if (const auto wrong = first_not_text(text)) {
    faults.add(mark_at(text, *wrong), fmt::format("byte 0x{:02x}", static_cast<unsigned char>(text[*wrong])),
               "UTF-8 text without control characters");
    return false;
  }
  return true;
}

// The last tab that begins a line, or stands among the spaces that do, up to the line `last`. yaml-cpp complains of
// what it did not find, often a line later.
std::optional<Mark> tab_in_indentation(std::string_view text, unsigned last) {
  std::optional<Mark> found;
  for (unsigned line = 1; line <= last && !text.empty(); ++line) {
    const std::string_view one = text.substr(0, text.find('\n'));
    const std::size_t begin = std::min(one.find_first_not_of(" \t\r"), one.size());
    const std::size_t tab = one.substr(0, begin).find('\t');
    if (tab != std::string_view::npos && begin < one.size()) found = Mark{line, static_cast<unsigned>(tab) + 1};
    text.remove_prefix(std::min(one.size() + 1, text.size()));
  }
  return found;
}

// What yaml-cpp says of an alias without an anchor is most often a host pattern that lacks its quotes.
std::string expected_instead_of(const std::string& message) {
  const bool about_alias = message.find("alias") != std::string::npos || message.find("anchor") != std::string::npos;
  return about_alias ? "YAML (text that begins with * must stand in quotes: \"*.example.com\")" : "YAML";
}

}  // namespace

std::optional<YamlNode> read_yaml(std::string_view text, const YamlBounds& bounds, Faults& faults) {
  if (!acceptable_text(text, bounds, faults)) return std::nullopt;
  TreeBuilder builder(bounds, faults);
  try {
    TextBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return YamlNode{};
    std::optional<YamlNode> root = builder.take_root();
    if (!root) return std::nullopt;
    TreeBuilder second(bounds, faults);
    if (parser.HandleNextDocument(second)) {
      const std::optional<YamlNode> rest = second.take_root();
      faults.add(rest ? rest->mark : Mark{}, "a second document", "one document in a file");
      return std::nullopt;
    }
    return root;
  } catch (const YAML::Exception& error) {
    const Mark mark = to_mark(error.mark);
    if (const auto tab = tab_in_indentation(text, mark.line); tab && !builder.broken()) {
      faults.add(*tab, "a tab in the indentation", "spaces");
    } else if (!builder.broken()) {
      faults.add(mark, "text that is not YAML: " + quote(error.msg), expected_instead_of(error.msg));
    }
  } catch (const std::exception& error) {
    if (!builder.broken()) faults.add({}, fmt::format("text that cannot be read ({})", error.what()), "YAML");
  }
  return std::nullopt;
}

}  // namespace config
