#include "fuzz/tool/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

// The application is called "./fencebench VERB", for its --help.
std::string verb_of(const CLI::App& app) {
  const std::string& name = app.get_name();
  return name.substr(name.rfind(' ') + 1);
}

[[noreturn]] void reject_extra(const CLI::App& app, const std::string& extra) {
  if (!extra.starts_with('-') || extra == "-") {
    throw UsageError(fmt::format("'{}' is one argument too many; see '{} --help'", printable(extra),
                                 app.get_name()));
  }
  std::string flag = extra.substr(0, extra.find('='));
  std::string hint = nearest(flag, flag_names(app));
  throw UsageError(fmt::format("unknown flag '{}' of {}; {}", printable(flag), verb_of(app),
                               hint.empty() ? fmt::format("see '{} --help'", app.get_name())
                                            : fmt::format("did you mean '{}'?", hint)));
}

}  // namespace

std::unique_ptr<CLI::App> command_line(const Verb& verb, const std::string& description,
                                       const std::string& example) {
  auto app =
      std::make_unique<CLI::App>(description + "\n", fmt::format("./fencebench {}", verb.name));
  app->set_help_flag("-h,--help", "Print this help");
  app->footer("Example:\n" + example);
  app->get_formatter()->column_width(34);
  app->get_formatter()->label("TEXT", "");
  app->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  return app;
}

CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                      const std::string& help) {
  return app.add_option(name, values, help)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->type_name("LIST");
}

void parse(CLI::App& app, const std::vector<std::string>& arguments) {
  // CLI11 takes its arguments in reverse.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    throw HelpPrinted();
  } catch (const CLI::ExtrasError&) {
    std::vector<std::string> extras = app.remaining();
    auto flag = std::find_if(extras.begin(), extras.end(),
                             [](const std::string& extra) { return extra.starts_with('-'); });
    reject_extra(app, flag != extras.end() ? *flag : extras.at(0));
  } catch (const CLI::RequiredError& error) {
    // An unknown flag explains a missing argument better than the missing argument does.
    for (const std::string& extra : app.remaining()) {
      if (extra.starts_with('-')) reject_extra(app, extra);
    }
    throw UsageError(fmt::format("{}: {}; see '{} --help'", verb_of(app), printable(error.what()),
                                 app.get_name()));
  } catch (const CLI::ParseError& error) {
    throw UsageError(fmt::format("{}: {}; see '{} --help'", verb_of(app), printable(error.what()),
                                 app.get_name()));
  }
}

std::vector<std::string> list_items(const std::vector<std::string>& values) {
  std::vector<std::string> items;
  for (const std::string& value : values) {
    for (const std::string& item : split(value, ',')) {
      if (std::find(items.begin(), items.end(), item) == items.end()) items.push_back(item);
    }
  }
  return items;
}

uint64_t number(std::string_view flag, std::string_view text, uint64_t low, uint64_t high) {
  auto value = to_number(text);
  if (!value || *value < low || *value > high) {
    throw UsageError(fmt::format("{} is '{}'; it must be a whole number from {} to {}", flag,
                                 printable(text), low, high));
  }
  return *value;
}

std::optional<uint64_t> optional_number(std::string_view flag,
                                        const std::optional<std::string>& text, uint64_t low,
                                        uint64_t high) {
  if (!text) return {};
  return number(flag, *text, low, high);
}

}  // namespace tool
