#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/worker.h"
#include "lib/store/store.h"

namespace facteur::tool {

/// The mail of one user, opened by somebody who may: the user, the owner of virtual mail, or root,
/// who becomes the user for good.
class Account {
public:
    /// authd says where the mail is and whose; the mail system must run.
    static Result<std::unique_ptr<Account>> open(const std::string& directory,
                                                 const std::string& user);
    ~Account();

    store::Store& store() { return *store_; }
    const store::Options& options() const { return options_; }
    /// The folder of the Maildir.
    const std::string& root() const { return root_; }
    Scope& scope() { return scope_; }

    /// Runs a task to its end.
    template <class T>
    Result<T> wait(Task<Result<T>> task) {
        std::optional<Result<T>> answer;
        scope_.spawn(keep<T>(std::move(task), answer));
        loop_.run_until([&answer] { return answer.has_value(); });
        return *std::move(answer);
    }

private:
    Account();
    Result<void> find(const std::string& directory, const std::string& user);
    template <class T>
    static Task<void> keep(Task<Result<T>> task, std::optional<Result<T>>& answer) {
        try {
            answer.emplace(co_await std::move(task));
        } catch (const std::exception& e) {
            answer.emplace(temporary(e.what()));
        }
    }

    Loop loop_;
    WorkerPool workers_{2};
    Scope scope_;
    store::Options options_;
    std::string location_;
    std::string root_;
    std::unique_ptr<store::Store> store_;
};

/// As seen from where the command was given, before open() goes elsewhere.
std::string absolute_path(const std::string& path);

}  // namespace facteur::tool
