#include "app/table.h"

#include <gtest/gtest.h>

namespace app {
namespace {

TEST(Table, KeepsControlCharactersFromTheTerminal) {
  Table table({"A"});
  table.add({{"x\x1b[2Jy\n"}});
  EXPECT_EQ(table.render(Colour::off), "A\nx?[2Jy?\n");
}

TEST(Table, IsPlainWithoutColour) {
  Table table({"NAME", "STATE"});
  table.add({{"a"}, {"valid", Tone::good}});
  table.add({{"longer"}, {"", Tone::bad}});
  EXPECT_EQ(table.render(Colour::off), "NAME    STATE\na       valid\nlonger  -\n");
}

TEST(Table, AlignsByCharactersAndColoursCells) {
  Table table({"N", "S"});
  table.add({{"bücher"}, {"bad", Tone::bad}});
  EXPECT_EQ(table.render(Colour::on), "\x1b[1mN       S\x1b[0m\nbücher  \x1b[31mbad\x1b[0m\n");
}

}  // namespace
}  // namespace app
