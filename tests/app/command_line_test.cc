#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <vector>

#include "app/commands.h"

namespace app {
namespace {

ExitCode run(std::initializer_list<const char*> words) {
  std::vector<const char*> arguments{"sekisho"};
  arguments.insert(arguments.end(), words);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const ExitCode code = run_command_line(static_cast<int>(arguments.size()), arguments.data());
  testing::internal::GetCapturedStdout();
  testing::internal::GetCapturedStderr();
  return code;
}

TEST(CommandLine, TellsWrongUsageByItsExitCode) {
  EXPECT_EQ(run({}), ExitCode::usage);
  EXPECT_EQ(run({"fly"}), ExitCode::usage);
  EXPECT_EQ(run({"run"}), ExitCode::usage);
  EXPECT_EQ(run({"check"}), ExitCode::usage);
  EXPECT_EQ(run({"proxy", "--no-such-option"}), ExitCode::usage);
  EXPECT_EQ(run({"certs", "--output", "xml"}), ExitCode::usage);
  EXPECT_EQ(run({"certs", "--admin", "nonsense"}), ExitCode::usage);
  EXPECT_EQ(run({"certs", "--admin", "http://127.0.0.1:1"}), ExitCode::usage);
  EXPECT_EQ(run({"proxy", "--host", "a b"}), ExitCode::usage);
  EXPECT_EQ(run({"proxy", "--to", "a b:1"}), ExitCode::usage);
}

TEST(CommandLine, NamesTheCommandThatIsNotThere) {
  testing::internal::CaptureStderr();
  const std::array<const char*, 2> words{"sekisho", "cert"};
  EXPECT_EQ(run_command_line(2, words.data()), ExitCode::usage);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("no command `cert` (did you mean `certs`?)"),
            std::string::npos);
}

TEST(CommandLine, SaysNoToAFileThatIsNotThere) {
  EXPECT_EQ(run({"check", "/nowhere/sekisho.yaml"}), ExitCode::no);
  EXPECT_EQ(run({"run", "--config", "/nowhere/sekisho.yaml"}), ExitCode::no);
}

TEST(CommandLine, CannotReachAnInstanceThatDoesNotRun) {
  for (const char* command : {"certs", "routes", "backends", "status"}) {
    EXPECT_EQ(run({command, "--admin", "127.0.0.1:1"}), ExitCode::unreachable) << command;
  }
}

TEST(CommandLine, IsDoneWithHelpAndVersion) {
  EXPECT_EQ(run({"--help"}), ExitCode::done);
  EXPECT_EQ(run({"proxy", "--help"}), ExitCode::done);
  EXPECT_EQ(run({"version"}), ExitCode::done);
  EXPECT_EQ(run({"--version"}), ExitCode::done);
}

}  // namespace
}  // namespace app
