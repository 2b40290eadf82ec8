// ClassRules: which Ingresses are ours, by IngressClass, by class names that are taken over, and by the annotation of
// old. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kube/ingress.h"
#include "kube/ingress_class.h"

namespace kube {

// What spec.controller of our IngressClass says.
inline constexpr auto own_controller = "sekisho.dev/ingress";

// Whose habits an Ingress was written for, where those differ: whether a TLS section alone redirects to https, and what
// a path without a type means.
enum class Dialect : std::uint8_t { nginx, application_gateway };

class ClassRules {
 public:
  struct Options {
    std::string controller = own_controller;
    // Class names that are ours whether or not there is an IngressClass of that name, and whatever its controller: for
    // "nginx", "azure-application-gateway", "azure-alb-external", "azure/application-gateway".
    std::vector<std::string> taken_over;
    enum class Unclassed : std::uint8_t { left, served } unclassed = Unclassed::left;  // Ingresses that name no class
  };

  explicit ClassRules(Options options) : options_(std::move(options)) {}

  // What an Ingress names: the annotation kubernetes.io/ingress.class, else spec.ingressClassName; empty: nothing. The
  // API lets nobody set both, but an update can bring the field to what has the annotation: then the annotation is
  // older than the field, and is what served so far.
  [[nodiscard]] static std::string class_of(const Ingress& ingress);

  void upsert(const IngressClass& ingress_class);
  void remove(const std::string& name);

  // By the answer of class_of(). One that names nothing is ours if an IngressClass of ours is marked as the default, or
  // if the options say so. None: not ours.
  [[nodiscard]] std::optional<Dialect> serves(const std::string& name) const;

 private:
  [[nodiscard]] bool taken_over(const std::string& name) const;

  Options options_;
  std::map<std::string, IngressClass> classes_;
};

}  // namespace kube
