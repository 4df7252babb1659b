#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace facteur::tool {

/// What may be said of an option once it is declared.
class Option {
public:
    explicit Option(CLI::Option* option) : option_(option) {}
    Option& required();
    /// The help shows the value that the variable has now.
    Option& capture_default_str();
    Option& description(const std::string& text);
    Option& type_name(const std::string& text);
    /// A list takes one value each time it is named.
    Option& one_value();

private:
    CLI::Option* option_;
};

/// A command with its options and subcommands.  It stands between the tools and CLI11, whose header
/// takes seconds to compile.  What variables refer to must outlive the parsing.
class Command {
public:
    explicit Command(CLI::App& app) : app_(&app) {}

    Command& add_subcommand(const std::string& name, const std::string& help);
    /// Names are CLI11's: "-f,--foreground", or "FILE" for what stands by itself.
    Option add_option(const std::string& names, std::string& value, const std::string& help);
    Option add_option(const std::string& names, std::vector<std::string>& values,
                      const std::string& help);
    Option add_option(const std::string& names, unsigned& value, const std::string& help);
    Option add_flag(const std::string& names, bool& value, const std::string& help);
    /// Accepted, without effect.
    Option add_flag(const std::string& names);
    /// -h means something else here.
    void only_long_help();
    /// One of its subcommands must be named.
    void require_subcommand();
    /// Runs when the command line names this command.
    void callback(std::function<void()> action);

private:
    CLI::App* app_;
    std::vector<std::unique_ptr<Command>> subcommands_;
};

/// The whole command line.
class CommandLine {
public:
    explicit CommandLine(const std::string& description);
    ~CommandLine();
    Command& command() { return command_; }
    /// Sets the variables and runs the callbacks.  An exit status when that is all: help was asked
    /// for, or the command line is wrong, and the user has been told.
    std::optional<int> parse(int argc, char** argv);

private:
    std::unique_ptr<CLI::App> app_;
    Command command_;
};

}  // namespace facteur::tool
