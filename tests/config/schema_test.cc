// config/schema.json and the parser say the same: the same mappings, the same keys, the same defaults.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "config/keys.h"
#include "config/parse.h"
#include "config/yaml_tree.h"

namespace config {
namespace {

using nlohmann::json;
using Names = std::set<std::string>;

std::string source(const std::string& path) {
  auto text = base::read_file(std::filesystem::path(SEKISHO_SOURCE_DIR) / path);
  if (!text) ADD_FAILURE() << text.error().what;
  return text.value_or("");
}

const json& schema() {
  static const json parsed = json::parse(source("config/schema.json"));
  return parsed;
}

Names keys_of(const json& object) {
  Names names;
  for (const auto& [key, value] : object.items()) names.insert(key);
  return names;
}

std::string name_in(const json& part) {
  const std::string reference = part.value("$ref", "");
  return reference.substr(reference.rfind('/') + 1);
}

TEST(Schema, HasExactlyTheMappingsOfTheParser) {
  Names in_schema;
  for (const auto& [name, definition] : schema().at("$defs").items()) {
    if (definition.contains("properties")) in_schema.insert(name);
  }
  Names in_parser;
  for (const KeySet* set : keys::all) in_parser.insert(std::string(set->noun));
  EXPECT_EQ(in_schema, in_parser);
}

TEST(Schema, HasExactlyTheKeysOfTheParser) {
  for (const KeySet* set : keys::all) {
    const json& definition = schema().at("$defs").at(std::string(set->noun));
    Names in_parser;
    for (const std::string_view key : set->list()) in_parser.emplace(key);
    EXPECT_EQ(keys_of(definition.at("properties")), in_parser) << set->noun;
    EXPECT_EQ(definition.at("additionalProperties"), false) << set->noun;
  }
}

TEST(Schema, DescribesEveryKey) {
  for (const KeySet* set : keys::all) {
    for (const auto& [key, property] : schema().at("$defs").at(std::string(set->noun)).at("properties").items()) {
      EXPECT_TRUE(property.contains("description")) << set->noun << "." << key;
    }
  }
}

// A mapping with every default of the schema written out.
json defaults_of(const std::string& noun) {
  json result = json::object();
  for (const auto& [key, property] : schema().at("$defs").at(noun).at("properties").items()) {
    if (property.contains("default")) result[key] = property.at("default");
  }
  return result;
}

json smallest() {
  return {{"state_directory", "/state"},
          {"listeners", {{{"address", "127.0.0.1:80"}}}},
          {"tls", json::object()},
          {"azure", json::object()},
          {"limits", json::object()},
          {"timeouts", json::object()},
          {"drain", json::object()},
          {"certificates",
           {{{"directory", "/certificates"}},
            {{"hosts", {"www.example.com"}}, {"issuer", "public"}},
            {{"on_demand", {{"allow", {"a.example.com"}}}}, {"issuer", "public"}, {"key", json::object()}},
            {{"key_vault", {{"vault", "v"}, {"name", "n"}}}}}},
          {"issuers",
           {{"public",
             {{"acme",
               {{"directory", "https://ca.example.com/directory"},
                {"agree_to_terms", true},
                {"dns", {{"exec", {{"command", {"/hook"}}}}, {"propagation", json::object()}}}}}}},
            {"internal", {{"ca", {{"certificate", "/ca.crt"}, {"key", "/ca.key"}}}}},
            {"local", {{"self_signed", json::object()}}}}},
          {"routes",
           {{{"name", "one"}, {"backend", "app"}},
            {{"name", "two"}, {"hosts", {"a"}}, {"redirect", {{"host", "b"}}}},
            {{"name", "three"}, {"hosts", {"c"}}, {"respond", json::object()}}}},
          {"backends",
           {{"app",
             {{"endpoints", {{{"address", "127.0.0.1:80"}}}},
              {"tls", json::object()},
              {"health_check", json::object()},
              {"ejection", json::object()},
              {"timeouts", json::object()},
              {"limits", json::object()},
              {"retries", json::object()},
              {"affinity", {{"cookie", json::object()}}}}}}}};
}

json with_defaults() {
  json text = smallest();
  const auto add = [](json& to, const std::string& noun) { to.update(defaults_of(noun), true); };
  json& backend = text["backends"]["app"];
  const json tls = backend["tls"];
  add(backend, "backend");
  backend["tls"] = tls;  // its default is none
  add(text, "configuration");
  add(text["listeners"][0], "listener");
  add(text["tls"], "tls");
  text["tls"]["tickets"] = defaults_of("tickets");
  for (const char* section : {"limits", "timeouts", "drain"}) add(text[section], section);
  text["certificates"][0]["default"] = defaults_of("certificate").at("default");
  add(text["certificates"][1], "certificate");
  add(text["certificates"][2]["on_demand"], "on_demand");
  add(text["certificates"][2]["key"], "certificate_key");
  add(text["certificates"][3]["key_vault"], "key_vault");
  json& acme = text["issuers"]["public"]["acme"];
  add(acme, "acme");
  add(acme["dns"], "dns");
  add(acme["dns"]["exec"], "dns_exec");
  add(acme["dns"]["propagation"], "dns_propagation");
  add(text["issuers"]["internal"]["ca"], "ca");
  add(text["azure"], "azure");
  add(text["issuers"]["local"]["self_signed"], "self_signed");
  for (json& route : text["routes"]) add(route, "route");
  add(text["routes"][1]["redirect"], "redirect");
  add(text["routes"][2]["respond"], "respond");
  add(backend["endpoints"][0], "endpoint");
  add(backend["tls"], "upstream_tls");
  for (const char* part : {"health_check", "ejection", "retries"}) add(backend[part], part);
  add(backend["timeouts"], "backend_timeouts");
  add(backend["limits"], "backend_limits");
  add(backend["affinity"]["cookie"], "affinity_cookie");
  return text;
}

TEST(Schema, HasTheDefaultsOfTheParser) {
  const auto silent = parse(smallest().dump(2), "silent.json");
  const auto spoken = parse(with_defaults().dump(2), "spoken.json");
  ASSERT_TRUE(silent) << silent.error().front().to_string();
  ASSERT_TRUE(spoken) << spoken.error().front().to_string() << "\n" << with_defaults().dump(2);
  EXPECT_GT(with_defaults().dump().size(), smallest().dump().size() + 500);
  EXPECT_EQ(*silent, *spoken);
}

// Which keys of which mapping a text uses, found by walking it along the schema.
void collect(const json& part, const YamlNode& node, std::map<std::string, Names>& used) {
  for (const json& choice : part.value("anyOf", json::array())) collect(choice, node, used);
  const std::string name = name_in(part);
  const json& definition = name.empty() ? part : schema().at("$defs").at(name);
  if (node.kind == YamlNode::Kind::sequence && definition.contains("items")) {
    for (const YamlNode& item : node.items) collect(definition.at("items"), item, used);
  }
  if (node.kind != YamlNode::Kind::mapping) return;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& key = node.keys[i].text;
    if (definition.contains("properties") && definition.at("properties").contains(key)) {
      used[name].insert(key);
      collect(definition.at("properties").at(key), node.items[i], used);
    } else if (definition.contains("additionalProperties") && definition.at("additionalProperties").is_object()) {
      collect(definition.at("additionalProperties"), node.items[i], used);
    }
  }
}

// So that every_key_test.cc, which looks at each value, cannot miss a key.
TEST(Schema, HasNoKeyThatTheTestOfEveryKeyLeavesOut) {
  Faults faults("every_key.yaml");
  const auto tree = read_yaml(source("tests/config/every_key.yaml"), {}, faults);
  ASSERT_TRUE(tree);
  std::map<std::string, Names> used;
  collect({{"$ref", "#/$defs/configuration"}}, *tree, used);
  const Names later{"azure_dns", "mirror", "application_gateway", "key_vault_mirror", "mirrored_certificate"};
  std::map<std::string, Names> known;
  for (const KeySet* set : keys::all) {
    if (later.contains(std::string(set->noun))) continue;
    for (const std::string_view key : set->list()) known[std::string(set->noun)].emplace(key);
  }
  known["configuration"].erase("mirrors");
  known["dns"].erase("azure");
  EXPECT_EQ(used, known);
}

}  // namespace
}  // namespace config
