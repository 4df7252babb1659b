#include "tools/facteur/command_line.h"

#include <CLI/CLI.hpp>

namespace facteur::tool {

Option& Option::required() {
    option_->required();
    return *this;
}

Option& Option::capture_default_str() {
    option_->capture_default_str();
    return *this;
}

Option& Option::description(const std::string& text) {
    option_->description(text);
    return *this;
}

Option& Option::type_name(const std::string& text) {
    option_->type_name(text);
    return *this;
}

Option& Option::one_value() {
    option_->allow_extra_args(false);
    return *this;
}

Command& Command::add_subcommand(const std::string& name, const std::string& help) {
    subcommands_.push_back(std::make_unique<Command>(*app_->add_subcommand(name, help)));
    return *subcommands_.back();
}

Option Command::add_option(const std::string& names, std::string& value, const std::string& help) {
    return Option(app_->add_option(names, value, help));
}

Option Command::add_option(const std::string& names, std::vector<std::string>& values,
                           const std::string& help) {
    return Option(app_->add_option(names, values, help));
}

Option Command::add_option(const std::string& names, unsigned& value, const std::string& help) {
    return Option(app_->add_option(names, value, help));
}

Option Command::add_flag(const std::string& names, bool& value, const std::string& help) {
    return Option(app_->add_flag(names, value, help));
}

Option Command::add_flag(const std::string& names) {
    return Option(app_->add_flag(names)->description("Accepted, without effect"));
}

void Command::only_long_help() {
    app_->set_help_flag("--help", "Print this help message and exit");
}

void Command::require_subcommand() {
    app_->require_subcommand(1);
}

void Command::callback(std::function<void()> action) {
    app_->callback(std::move(action));
}

CommandLine::CommandLine(const std::string& description)
    : app_(std::make_unique<CLI::App>(description)), command_(*app_) {}

CommandLine::~CommandLine() = default;

std::optional<int> CommandLine::parse(int argc, char** argv) {
    try {
        app_->parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app_->exit(error);
    }
    return std::nullopt;
}

}  // namespace facteur::tool
