#include "fuzz/tool/cxx_source.h"

#include <gtest/gtest.h>

namespace tool {
namespace {

using cxx::Source;
using cxx::Statement;
using Kind = Statement::Kind;

std::string shape(const Statement& statement) {
  static const char* const kNames[] = {"block", "if",         "loop",   "switch", "label",
                                       "decl",  "expression", "return", "jump",   "other"};
  std::string text = kNames[static_cast<size_t>(statement.kind)];
  if (statement.children.empty()) return text;
  text += "(";
  for (const Statement& child : statement.children) text += shape(child) + " ";
  text.back() = ')';
  return text;
}

std::string body(const std::string& text) {
  const Source source("void f() {\n" + text + "\n}\n");
  return source.functions().size() == 1 ? shape(source.functions()[0].body) : "no function";
}

TEST(CxxSource, FindsFunctionsAndNothingElse) {
  const Source source(R"(// void no() {}
#define NO() \
  void no() {}
#include <no.h>
namespace a {
namespace {
struct List {
  int x{1};
  uintptr_t table[];
};
enum class Color { kRed };
constexpr int kTable[] = {1, 2};
class Guard {
 public:
  explicit Guard(Sem& sem) : sem_(sem) { down(sem_); }
  ~Guard() { up(sem_); }
  bool operator==(const Guard&) const = default;

 private:
  Sem& sem_;
};
void declared();
const Ops kOps = {one, two};
}  // namespace
template <typename Args>
int templated(Args& args) {
  return 0;
}
const char* a_string = "void no() {}";
Fence* raw() { return R"x(})x"; }
}  // namespace a
)");
  std::vector<std::string> names;
  for (const cxx::Function& function : source.functions()) names.push_back(function.name);
  EXPECT_EQ(names, (std::vector<std::string>{"Guard", "~Guard", "templated", "raw"}));
}

TEST(CxxSource, ReadsStatements) {
  EXPECT_EQ(body("int x = 0; f(x); *y = 1; return;"), "block(decl expression expression return)");
  EXPECT_EQ(body("if (a) b(); else if (c) d(); else { e(); }"),
            "block(if(expression if(expression block(expression))))");
  EXPECT_EQ(body("for (;;) { if (x) break; }"), "block(loop(block(if(jump))))");
  EXPECT_EQ(body("list_for_each_entry(a, b, C, d) { e(); }\nxa_for_each(a, b, c) ++count;"),
            "block(loop(block(expression)) loop(expression))");
  EXPECT_EQ(body("switch (a) { case kB: case k::C: return; default: break; }"),
            "block(switch(block(label label return label jump)))");
  EXPECT_EQ(body("while (Fence* f = next()) put(f);"), "block(loop(expression))");
  EXPECT_EQ(body("kernel::Queue* q = static_cast<Queue*>(x); uint32_t *a, *b; A a(b); a.b(c);"),
            "block(decl decl decl expression)");
  EXPECT_EQ(body("do { a(); } while (b); c();"), "block(other expression)");
}

TEST(CxxSource, KnowsCalls) {
  const Source source("void f() { a::b.c->put(*x, {1, 2}, g(y)); z = put(x); }\n");
  const std::vector<Statement>& statements = source.functions()[0].body.children;
  const auto call = source.sole_call(statements[0]);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->name, "put");
  EXPECT_EQ(source.text_of(call->tokens), "a::b.c->put(*x, {1, 2}, g(y))");
  ASSERT_EQ(call->arguments.size(), 3u);
  EXPECT_EQ(source.text_of(call->arguments[1]), "{1, 2}");
  EXPECT_FALSE(source.sole_call(statements[1]));
  EXPECT_EQ(source.calls(statements[0].tokens).size(), 2u);
}

TEST(CxxSource, BytesLinesAndIndents) {
  const Source source("void f() {\n  a();\n  b();  c();\n}\n");
  const std::vector<Statement>& statements = source.functions()[0].body.children;
  const size_t a = source.bytes_of(statements[0].tokens).begin;
  EXPECT_EQ(source.line_of(a), 2u);
  EXPECT_EQ(source.indent_at(a), "  ");
  EXPECT_TRUE(source.alone_on_its_lines(statements[0]));
  EXPECT_FALSE(source.alone_on_its_lines(statements[1]));
  EXPECT_FALSE(source.alone_on_its_lines(statements[2]));
}

// Nothing that is no C++ may do more than yield nothing.
TEST(CxxSource, WhateverTheTextIs) {
  for (const char* text : {"",
                           "{",
                           "}",
                           "void f() {",
                           "void f() }",
                           "\"",
                           "'",
                           "/*",
                           "R\"(",
                           "#",
                           "#\\",
                           "void f(",
                           "void f() { if }",
                           "void f() { if ( }",
                           "void f() { for (;;) }",
                           "void f() { case }",
                           "void f() { else else }",
                           "void f() { ([)] }",
                           "namespace {",
                           "= { } ;",
                           "f(){}{}{};",
                           "void f() { if (x) }",
                           "void f() { switch (x) { case",
                           "void f() { return }",
                           "\x80\xff\\"}) {
    const Source source(text);
    for (const cxx::Function& function : source.functions())
      EXPECT_FALSE(shape(function.body).empty());
  }
}

}  // namespace
}  // namespace tool
