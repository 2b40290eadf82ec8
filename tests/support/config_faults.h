// What is wrong with a configuration, as text to look into.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "config/parse.h"

namespace test {

// A line for each fault of `text`, which came from `file`; "no fault" if there is none.
inline std::string faults_of(const std::string& text, const std::string& file) {
  const auto config = config::parse(text, file);
  if (config) return "no fault";
  std::string all;
  for (const config::Diagnostic& fault : config.error()) all += fault.to_string() + "\n";
  return all;
}

inline void expect_fault_in(const std::string& text, const std::string& expected, const std::string& file) {
  const std::string all = faults_of(text, file);
  EXPECT_NE(all.find(expected), std::string::npos) << "in:\n" << all << "of:\n" << text;
}

}  // namespace test
