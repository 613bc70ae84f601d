#include <string>
#include <vector>

#include "fuzz/program/lex.h"
#include "fuzz/program/print.h"
#include "fuzz/program/suggest.h"
#include "fuzz/program/text.h"
#include "fuzz/program/valid.h"

namespace program {

namespace {

using Kind = Token::Kind;
using Words = std::vector<std::string_view>;

constexpr std::string_view kFailAlloc = "fail_alloc";
constexpr std::string_view kFailCopy = "fail_copy";
constexpr std::string_view kSignalPending = "signal_pending";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string cat(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (std::string_view part : parts) text += part;
  return text;
}

std::string variable_range(Var kind) {
  constexpr std::string_view kNames[kVarKinds] = {"queue", "buffer", "syncobj"};
  const char range[] = {var_name(kind, 0), '.', '.', var_name(kind, kVars - 1)};
  return cat({kNames[static_cast<unsigned>(kind)], " variable (", {range, sizeof range}, ")"});
}

// What an argument of this type looks like, for messages.
std::string what_is(ArgType type) {
  switch (type) {
    case ArgType::kBoList:
      return "a list of buffer variables like [I,J]";
    case ArgType::kSyncobjList:
      return "a list of syncobj variables like [S,T]";
    case ArgType::kPointList:
      return "a list of points like [1,7]";
    case ArgType::kIp:
      return "an engine (gfx, compute, sdma or none)";
    default:
      return is_variable(type) ? "a " + variable_range(var_kind(type)) : "a number";
  }
}

// The index of the variable, or -1 if the word names none of this kind.
int variable_index(const Token& token, Var kind) {
  if (token.kind != Kind::kWord || token.text.size() != 1) return -1;
  for (unsigned i = 0; i < kVars; i++) {
    if (token.text[0] == var_name(kind, i)) return static_cast<int>(i);
  }
  return -1;
}

class Parser {
 public:
  std::variant<Program, ParseError> run(std::string_view text) {
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    while (!text.empty()) {
      size_t end = text.find('\n');
      std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      line_++;
      tokens_ = lex_line(line);
      at_ = 0;
      if (!at_end() && !statement()) return error_;
    }
    return program_;
  }

 private:
  // The functions below return false after an error, which fail() has recorded.

  bool fail(const Token& at, std::string message) {
    error_ = {line_, at.column, std::move(message)};
    return false;
  }

  const Token& peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& next() {
    const Token& token = peek();
    if (!at_end()) at_++;
    return token;
  }
  bool at_end() const { return peek().kind == Kind::kEnd; }

  bool symbol(std::string_view symbol, std::string_view where) {
    if (peek().kind == Kind::kSymbol && peek().is(symbol)) {
      next();
      return true;
    }
    return fail(peek(), cat({"expected '", symbol, "' ", where, ", found ", quoted(peek())}));
  }

  bool number(std::string_view name, uint64_t min, uint64_t max, uint64_t* value) {
    const Token& token = peek();
    if (token.kind != Kind::kNumber) {
      return fail(token, cat({name, " needs a number, found ", quoted(token)}));
    }
    bool digits = token.text.find_first_not_of("0123456789") == std::string_view::npos;
    bool ok = to_number(token.text, value);
    bool hex_overflow =
        !ok && token.text.size() > 2 && (token.text[1] == 'x' || token.text[1] == 'X') &&
        token.text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
    if (!ok && !digits && !hex_overflow) return fail(token, quoted(token) + " is not a number");
    if (!ok || *value < min || *value > max) {
      return fail(token, cat({name, " is ", token.text.substr(0, 40), ", which is out of range ",
                              std::to_string(min), "..", std::to_string(max)}));
    }
    next();
    return true;
  }

  bool statement() {
    const Token& first = peek();
    if (first.is("device")) return device();
    if (first.is("process")) return process();
    if (first.is("schedule")) return schedule();
    for (unsigned lane = 0; lane < kLanes; lane++) {
      if (first.is(lane_name(lane))) return operation(lane);
    }
    if (first.kind != Kind::kWord) {
      return fail(first, cat({"expected device, process, schedule: or a lane (t0..t7, irq), found ",
                              quoted(first)}));
    }
    if (first.text[0] == 't' &&
        first.text.find_first_not_of("0123456789", 1) == std::string_view::npos) {
      return fail(first, cat({"unknown lane ", quoted(first), ": lanes are t0..t7 and irq"}));
    }
    for (unsigned i = 0; i < kOpKinds; i++) {
      if (!first.is(op_spec(static_cast<OpKind>(i)).name)) continue;
      return fail(first,
                  cat({"operation ", quoted(first), " needs a lane: 't0: ", first.text, " ...'"}));
    }
    Words starts = {"device", "process", "schedule", "irq", "a lane (t0..t7)"};
    return fail(first, cat({"unknown statement ", quoted(first),
                            did_you_mean(first.text, "statements", starts)}));
  }

  bool device() {
    const Token& keyword = next();
    if (device_line_) {
      return fail(keyword,
                  cat({"second device line, the first is line ", std::to_string(device_line_)}));
    }
    device_line_ = line_;
    DeviceConfig& config = program_.device;
    bool seen_cpus = false, seen_seq64 = false;
    while (!at_end()) {
      const Token& name = next();
      bool cpus = name.is("cpus");
      if (!cpus && !name.is("seq64")) {
        return fail(name, cat({"unknown device property ", quoted(name),
                               did_you_mean(name.text, "device properties", {"cpus", "seq64"})}));
      }
      bool& seen = cpus ? seen_cpus : seen_seq64;
      if (seen) return fail(name, cat({"device property ", quoted(name), " is given twice"}));
      seen = true;
      uint64_t value = 0;
      if (!symbol("=", cat({"after ", quoted(name)}))) return false;
      if (!number(name.text, 1, cpus ? kMaxCpus : kMaxSeq64Slots, &value)) return false;
      (cpus ? config.cpus : config.seq64_slots) = static_cast<uint8_t>(value);
    }
    return true;
  }

  bool process() {
    const Token& keyword = next();
    const Token& name = next();
    if (!name.is("p1")) {
      return fail(name, cat({"expected p1 after 'process', found ", quoted(name),
                             " (threads that are not listed belong to process p0)"}));
    }
    if (process_line_) {
      return fail(keyword,
                  cat({"second process line, the first is line ", std::to_string(process_line_)}));
    }
    process_line_ = line_;
    if (!symbol(":", "after 'p1'")) return false;
    do {
      const Token& token = next();
      unsigned thread = 0;
      while (thread < kThreads && !token.is(lane_name(thread))) thread++;
      if (thread == kThreads)
        return fail(token, cat({"expected a thread (t0..t7), found ", quoted(token)}));
      unsigned bit = 1u << thread;
      if (program_.device.second_process & bit)
        return fail(token, cat({"thread ", quoted(token), " is given twice"}));
      program_.device.second_process |= static_cast<uint8_t>(bit);
    } while (!at_end());
    return true;
  }

  bool schedule() {
    next();
    if (!symbol(":", "after 'schedule'")) return false;
    while (!at_end()) {
      const Token& first = peek();
      if (program_.schedule.size() == kMaxPreemptions) {
        return fail(first, cat({"more than ", std::to_string(kMaxPreemptions), " preemptions"}));
      }
      uint64_t after = 0;
      if (first.kind != Kind::kNumber) {
        return fail(first, cat({"expected a preemption like 31>t1, found ", quoted(first)}));
      }
      if (!number("the number of scheduling points", 0, kMaxAfter, &after)) return false;
      if (!symbol(">", "after the number of scheduling points")) return false;
      const Token& target = next();
      unsigned to = 0;
      Words names;
      for (unsigned i = 0; i < kTargets; i++) names.push_back(target_name(static_cast<Target>(i)));
      while (to < kTargets && !target.is(names[to])) to++;
      if (to == kTargets) {
        // Threads by their range: all of them in a message would hide the rest.
        if (target.kind != Kind::kWord || target.text.starts_with('t')) {
          return fail(target, cat({"expected a target (t0..t7, irq, rcu or worker), found ",
                                   quoted(target)}));
        }
        return fail(target, cat({"unknown target ", quoted(target),
                                 did_you_mean(target.text, "targets", names)}));
      }
      program_.schedule.push_back({static_cast<uint32_t>(after), static_cast<Target>(to)});
    }
    return true;
  }

  bool operation(unsigned lane) {
    const Token& lane_token = next();
    if (!symbol(":", cat({"after lane ", quoted(lane_token)}))) return false;
    const Token* result = nullptr;
    if (peek(1).is("=")) {
      result = &next();
      next();
    }
    const Token& name = next();
    if (name.kind != Kind::kWord) {
      return fail(name, cat({"expected an operation, found ", quoted(name)}));
    }
    unsigned kind = 0;
    Words names;
    for (unsigned i = 0; i < kOpKinds; i++) names.push_back(op_spec(static_cast<OpKind>(i)).name);
    while (kind < kOpKinds && !name.is(names[kind])) kind++;
    if (kind == kOpKinds) {
      const std::string hint = nearest(name.text, names).empty()
                                   ? "; fuzz/program/README.md lists the operations"
                                   : did_you_mean(name.text, "operations", names);
      return fail(name, cat({"unknown operation ", quoted(name), hint}));
    }

    op_ = {};
    op_.kind = static_cast<OpKind>(kind);
    op_.lane = static_cast<uint8_t>(lane);
    if (!lane_is_valid(op_.kind, lane)) {
      return fail(lane_token, cat({"operation ", quoted(name),
                                   " cannot stand on lane irq, only on a thread (t0..t7)"}));
    }
    if (program_.ops.size() == kMaxOps) {
      return fail(lane_token, cat({"more than ", std::to_string(kMaxOps), " operations"}));
    }
    if (!operands(name, result)) return false;
    program_.ops.push_back(op_);
    return true;
  }

  bool operands(const Token& name, const Token* result) {
    const OpSpec& spec = op_spec(op_.kind);
    const Token& first = peek();
    seen_ = 0;
    seen_faults_.clear();
    for (unsigned i = 0; i < kMaxArgs; i++) {
      op_.args[i] = spec.args[i].preset;
      if (!is_result(spec.args[i].type)) continue;
      if (!result) {
        char variable = var_name(var_kind(spec.args[i].type), 0);
        return fail(name, cat({"operation ", quoted(name), " needs a variable for its result: '",
                               std::string_view(&variable, 1), " = ", name.text, "'"}));
      }
      if (!variable(*result, spec.args[i].type, &op_.args[i])) return false;
      seen_ |= 1u << i;
    }
    if (result && !seen_) return fail(*result, cat({"operation ", quoted(name), " has no result"}));

    while (!at_end()) {
      if (!operand(name)) return false;
    }
    for (unsigned i = 0; i < kMaxArgs; i++) {
      const ArgSpec& arg = spec.args[i];
      if (arg.type == ArgType::kNone || arg.name || (seen_ & 1u << i)) continue;
      return fail(first, cat({"operation ", quoted(name), " needs ", what_is(arg.type),
                              " here, found ", quoted(first)}));
    }
    return true;
  }

  // One operand: by position, `name=value`, or the bare name of a flag.
  bool operand(const Token& op_name) {
    const Token& token = peek();
    const OpSpec& spec = op_spec(op_.kind);
    bool has_value = peek(1).is("=");
    for (unsigned i = 0; i < kMaxArgs; i++) {
      const ArgSpec& arg = spec.args[i];
      if (!arg.name || !token.is(arg.name)) continue;
      if (seen_ & 1u << i) return fail(token, cat({"argument ", quoted(token), " is given twice"}));
      seen_ |= 1u << i;
      if (!name_of_argument(arg.type == ArgType::kFlag)) return false;
      if (arg.type != ArgType::kFlag) return value(arg.type, arg.name, &op_.args[i]);
      op_.args[i] = 1;
      return true;
    }
    if (token.is(kFailAlloc) || token.is(kFailCopy) || token.is(kSignalPending)) return fault();
    if (!has_value) {
      for (unsigned i = 0; i < kMaxArgs; i++) {
        const ArgSpec& arg = spec.args[i];
        if (arg.type == ArgType::kNone || arg.name || (seen_ & 1u << i)) continue;
        seen_ |= 1u << i;
        return value(arg.type, op_name.text, &op_.args[i]);
      }
    }

    Words names;
    for (const ArgSpec& arg : spec.args) {
      if (arg.name) names.push_back(arg.name);
    }
    names.insert(names.end(), {kFailAlloc, kFailCopy, kSignalPending});
    if (token.kind == Kind::kWord && (has_value || !nearest(token.text, names).empty())) {
      return fail(token, cat({"unknown argument ", quoted(token), " of operation ", quoted(op_name),
                              did_you_mean(token.text, "its arguments", names)}));
    }
    return fail(token, cat({"unexpected ", quoted(token), " after operation ", quoted(op_name)}));
  }

  // The name of an argument has been recognised: steps over it and its `=`.
  bool name_of_argument(bool is_flag) {
    const Token& token = next();
    bool has_value = peek().is("=");
    if (is_flag && has_value)
      return fail(peek(), cat({"argument ", quoted(token), " takes no value"}));
    if (!is_flag && !has_value) {
      return fail(token,
                  cat({"argument ", quoted(token), " needs a value: '", token.text, "=...'"}));
    }
    if (has_value) next();
    return true;
  }

  bool fault() {
    const Token& token = peek();
    for (std::string_view seen : seen_faults_) {
      if (token.is(seen)) return fail(token, cat({"argument ", quoted(token), " is given twice"}));
    }
    seen_faults_.push_back(token.text);
    bool is_flag = token.is(kSignalPending);
    if (!name_of_argument(is_flag)) return false;
    if (is_flag) {
      op_.faults.signal_pending = true;
      return true;
    }
    uint64_t nth = 0;
    if (!number(token.text, 0, UINT8_MAX, &nth)) return false;
    (token.is(kFailAlloc) ? op_.faults.fail_alloc : op_.faults.fail_copy) =
        static_cast<uint8_t>(nth);
    return true;
  }

  // `user` is who needs the value: the name of the argument or the operation.
  bool value(ArgType type, std::string_view user, uint64_t* value) {
    if (is_list(type)) return list(type, user, value);
    if (is_variable(type)) return variable(next(), type, value);
    if (type == ArgType::kIp) return engine(value);
    return number(user, 0, arg_max(type), value);
  }

  bool variable(const Token& token, ArgType type, uint64_t* value) {
    const Var kind = var_kind(type);
    const int index = variable_index(token, kind);
    if (index >= 0) {
      *value = static_cast<uint64_t>(index);
      return true;
    }
    for (unsigned other = 0; other < kVarKinds; other++) {
      if (variable_index(token, static_cast<Var>(other)) < 0) continue;
      return fail(token, cat({quoted(token), " is a ", variable_range(static_cast<Var>(other)),
                              ", a ", variable_range(kind), " must stand here"}));
    }
    return fail(token, cat({"expected a ", variable_range(kind), ", found ", quoted(token)}));
  }

  bool point(std::string_view user, uint64_t* value) {
    const Token& token = peek();
    uint64_t point = 0;
    if (!number(user, 0, UINT64_MAX, &point)) return false;
    for (*value = 0; *value < std::size(kPoints); ++*value) {
      if (kPoints[*value] == point) return true;
    }
    return fail(token, cat({quoted(token),
                            " cannot stand in a list of points, which are 0..10, 16, "
                            "0xffffffff, 0x100000001, 0x8000000000000000 and "
                            "0xffffffffffffffff"}));
  }

  bool list(ArgType type, std::string_view user, uint64_t* value) {
    if (!peek().is("["))
      return fail(peek(), cat({user, " needs ", what_is(type), ", found ", quoted(peek())}));
    next();
    *value = 0;
    if (peek().is("]")) {
      next();
      return true;
    }
    while (true) {
      const Token& token = peek();
      if (SlotList::size(*value) == SlotList::kMax) {
        return fail(token,
                    cat({user, " has more than ", std::to_string(SlotList::kMax), " entries"}));
      }
      uint64_t entry = 0;
      if (type == ArgType::kPointList ? !point(user, &entry) : !variable(next(), type, &entry))
        return false;
      *value = SlotList::push(*value, static_cast<unsigned>(entry));
      if (peek().is("]")) {
        next();
        return true;
      }
      if (!symbol(",", "or ']' in the list")) return false;
    }
  }

  bool engine(uint64_t* value) {
    const Token& token = next();
    Words names;
    for (unsigned i = 0; i <= arg_max(ArgType::kIp); i++) {
      names.push_back(ip_name(i));
      if (!token.is(names.back())) continue;
      *value = i;
      return true;
    }
    return fail(
        token, cat({"unknown engine ", quoted(token), did_you_mean(token.text, "engines", names)}));
  }

  Program program_;
  ParseError error_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int line_ = 0;
  int device_line_ = 0;   // 0: none yet
  int process_line_ = 0;  // likewise

  // Of the operation being parsed.
  Op op_;
  unsigned seen_ = 0;  // bit i: args[i] is given
  Words seen_faults_;
};

}  // namespace

std::variant<Program, ParseError> parse(std::string_view text) { return Parser().run(text); }

}  // namespace program
