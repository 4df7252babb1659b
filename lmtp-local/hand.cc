#include "lmtp-local/hand.h"

#include <algorithm>

#include <sys/stat.h>

#include "lib/ipc/datagram.h"
#include "lib/store/flush.h"
#include "lib/store/store.h"
#include "lmtp-local/command.h"
#include "lmtp-local/forwarding.h"
#include "lmtp-local/mailbox_file.h"
#include "lmtp-local/tasks.h"

namespace facteur::lmtp_local {
namespace {

TaskResult result_of(const Error& error) {
    TaskResult result;
    result.kind = error.is_temporary() ? TaskResult::Kind::temporary : TaskResult::Kind::permanent;
    result.status = error.status;
    result.text = error.text;
    return result;
}

TaskResult result_of(const Result<void>& done) {
    return done ? TaskResult() : result_of(done.error());
}

class Hand {
public:
    explicit Hand(Fd socket) : socket_(std::move(socket)) {}

    void serve() {
        for (;;) {
            auto datagram = ipc::receive_datagram(socket_.get(), kDatagramLimit);
            if (!datagram || datagram->end || datagram->cut) return;
            Fd directory;
            TaskResult result = perform(*datagram, directory);
            if (!ipc::send_datagram(socket_.get(), to_datagram(result), directory.get())) return;
        }
    }

private:
    TaskResult perform(ipc::Datagram& task, Fd& directory) {
        const int content = task.fds.empty() ? -1 : task.fds.front().get();
        if (task.name() == MaildirTask::kName) return deliver(task, directory);
        if (task.name() == ForwardTask::kName) return read_forward(task);
        if (task.name() == FileTask::kName) {
            auto file = ipc::decode<FileTask>(task.body());
            return file ? result_of(append_to_file(*file, content)) : result_of(file.error());
        }
        if (task.name() == CommandTask::kName) {
            auto command = ipc::decode<CommandTask>(task.body());
            if (!command) return result_of(command.error());
            return result_of(run_command(*command, content, socket_.get()));
        }
        if (task.name() == PipeTask::kName) return pipe(task, content);
        return result_of(Error{Error::Kind::temporary, "4.3.0", "unknown task"});
    }

    TaskResult pipe(const ipc::Datagram& datagram, int content) const {
        auto task = ipc::decode<PipeTask>(datagram.body());
        if (!task) return result_of(task.error());
        auto said = run_pipe(*task, content, socket_.get());
        if (!said) return result_of(said.error());
        TaskResult result;
        result.text = *std::move(said);
        return result;
    }

    /// `directory`: what the flush needs, opened before anything was written.
    TaskResult deliver(ipc::Datagram& datagram, Fd& directory) {
        auto task = ipc::decode<MaildirTask>(datagram.body());
        if (!task) return result_of(task.error());
        TaskResult result;
        store::Options options;
        options.hostname = task->hostname;
        options.user = task->user;
        options.settings = std::move(task->settings);
        options.quota_warning = [&result](const std::string& command) {
            result.warnings.push_back(command);
        };
        if (task->only_room)
            return result_of(store::has_room_blocking(task->location, options, task->size));
        store::NewMessage message;
        message.content = datagram.take_fd();
        message.content_offset = task->offset;
        message.content_size = task->size;
        message.prefix = std::move(task->prefix);
        message.delivery_id = std::move(task->delivery_id);
        message.maybe_delivered = task->maybe_delivered;
        message.durability = task->durable ? store::Durability::now : store::Durability::later;
        auto delivered = store::deliver_blocking(task->location, options, std::move(message));
        if (!delivered) return result_of(delivered.error());
        result.domain = delivered->flush_domain;
        if (result.domain) directory = store::held_file_system(result.domain);
        return result;
    }

    static TaskResult read_forward(const ipc::Datagram& datagram) {
        auto task = ipc::decode<ForwardTask>(datagram.body());
        if (!task) return result_of(task.error());
        struct stat home {};
        if (!task->home.empty() && ::stat(task->home.c_str(), &home) != 0)
            return result_of(system_error("cannot access home directory " + task->home));
        auto may = [&task](const char* what) {
            return std::find(task->include.begin(), task->include.end(), what) !=
                   task->include.end();
        };
        const Included included{may("commands"), may("files")};
        TaskResult result;
        for (std::size_t i = 0; i < task->paths.size(); ++i) {
            auto targets = read_forward_file(task->paths[i], included);
            if (!targets) continue;
            result.found = true;
            result.path = static_cast<std::uint32_t>(i);
            result.targets = *std::move(targets);
            break;
        }
        return result;
    }

    Fd socket_;
};

}  // namespace

void serve_tasks(Fd socket) {
    Hand(std::move(socket)).serve();
}

}  // namespace facteur::lmtp_local
