#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/config/family.h"
#include "lib/daemon/service.h"
#include "lib/sandbox/privileges.h"

namespace facteur::conf {
class MainCf;
class Section;
struct Problem;
}  // namespace facteur::conf

namespace facteur::daemon {

struct Birth;

/// Whose uid a daemon takes when master runs as root: the parameter that names it.
enum class Owner { smtp, queue, store, login, lookup, auth, policy, root };

/// How a reload replaces it.
enum class Kind {
    sessions,  ///< old and new workers overlap; the old ones finish their sessions
    single,    ///< one process at a time: drained, ended, then its successor starts
};

/// Processes that a daemon starts to act for others (nursery.h).
struct Offspring {
    /// The most that one of them may do.  The capabilities are those of the nursery: a child has
    /// none.
    sandbox::Privileges privileges;
    /// Called in the child, already as its user, before it is locked in.  way: the other end of
    /// Nursery::Child::way.
    std::function<std::unique_ptr<Service>(Process&, const Birth&, Fd way)> make;
};

/// Everything that tells one daemon from another; the rest is run().
struct Description {
    std::string name;  ///< "smtpd"
    Kind kind = Kind::sessions;
    Owner owner = Owner::root;
    sandbox::Privileges privileges;
    /// Filled from main.cf and -o before make() is called.
    std::vector<conf::Section*> sections;
    std::function<std::unique_ptr<Service>(Process&)> make;
    std::optional<Offspring> offspring;
    /// Names that stand for those of the parameters where it serves LMTP, as lmtp(8) of Postfix.
    std::optional<conf::Family> family;
    /// What is wrong with the loaded sections as a whole; may be empty.  An error among it keeps
    /// the daemon from starting, and `facteur check` shows all of it.
    std::function<std::vector<conf::Problem>(const conf::MainCf&)> review;
};

/// The main() of every daemon:
///     int main(int argc, char** argv) {
///         smtpd::Settings settings;
///         daemon::Description smtpd;
///         smtpd.name = "smtpd";
///         smtpd.owner = daemon::Owner::smtp;
///         smtpd.sections = {&settings};
///         smtpd.make = [&](daemon::Process& p) { return std::make_unique<Smtpd>(p, settings); };
///         return daemon::run(argc, argv, smtpd);
///     }
///
/// `NAME --parameters` prints the parameters of its sections and ends.
int run(int argc, char** argv, const Description& description);

/// The words behind the options in master.cf: `imapd mailbox` has one.  For a main() that is
/// several services in one program and describes them before run().
std::vector<std::string> arguments(int argc, char** argv);

}  // namespace facteur::daemon
