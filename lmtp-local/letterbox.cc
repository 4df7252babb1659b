#include "lmtp-local/letterbox.h"

#include <utility>

#include "lib/store/flush.h"

namespace facteur::lmtp_local {
namespace {

class OwnLetterbox : public Letterbox {
public:
    Task<Result<void>> open(std::string location, store::Options options, WorkerPool& workers);

    Task<Result<void>> append(store::NewMessage message) override;
    Task<Result<void>> flush() override;
    std::uint64_t flush_domain() const override { return store_->flush_domain(); }
    Task<Result<void>> has_room(std::uint64_t size) override;

private:
    std::unique_ptr<store::Store> store_;
};

Task<Result<void>> OwnLetterbox::open(std::string location, store::Options options,
                                      WorkerPool& workers) {
    std::function<void(const std::string&)> hear = [this](const std::string& command) {
        add_warning(command);
    };
    options.quota_warning = std::move(hear);
    auto opened = store::open_store(std::move(location), std::move(options), workers);
    CO_TRY(store_, co_await std::move(opened));
    co_return Result<void>();
}

Task<Result<void>> OwnLetterbox::append(store::NewMessage message) {
    auto appended = co_await store_->append("INBOX", std::move(message));
    if (!appended) co_return std::unexpected(std::move(appended).error());
    co_return Result<void>();
}

Task<Result<void>> OwnLetterbox::has_room(std::uint64_t size) {
    co_return co_await store_->has_room("INBOX", size);
}

Task<Result<void>> OwnLetterbox::flush() {
    co_return co_await store_->flush();
}

class OthersLetterbox : public Letterbox {
public:
    OthersLetterbox(Identity who, std::string location, store::Options options, Hands& hands,
                    WorkerPool& workers)
        : who_(who),
          location_(std::move(location)),
          options_(std::move(options)),
          hands_(hands),
          workers_(workers) {}

    Task<Result<void>> append(store::NewMessage message) override {
        MaildirTask task;
        task.location = location_;
        task.hostname = options_.hostname;
        task.user = options_.user;
        task.settings = options_.settings;
        task.prefix = std::move(message.prefix);
        task.offset = message.content_offset;
        task.size = message.content_size;
        task.delivery_id = std::move(message.delivery_id);
        task.maybe_delivered = message.maybe_delivered;
        task.durable = message.durability == store::Durability::now;
        CO_TRY(auto answer, co_await hands_.ask(who_, std::move(task), std::move(message.content)));
        for (const std::string& command : answer.result.warnings)
            add_warning(command);
        if (answer.result.domain != 0) {
            domain_ = answer.result.domain;
            store::hold_file_system(domain_, std::move(answer.fd));
        }
        co_return Result<void>();
    }
    Task<Result<void>> flush() override {
        std::function<Result<void>()> work = [this] { return store::flush_file_system(domain_); };
        co_return co_await workers_.run<Result<void>>(std::move(work));
    }
    std::uint64_t flush_domain() const override { return domain_; }
    Task<Result<void>> has_room(std::uint64_t size) override {
        MaildirTask task;
        task.location = location_;
        task.user = options_.user;
        task.settings = options_.settings;
        task.size = size;
        task.only_room = true;
        auto answer = co_await hands_.ask(who_, std::move(task));
        if (!answer) co_return std::unexpected(std::move(answer).error());
        co_return Result<void>();
    }

private:
    const Identity who_;
    const std::string location_;
    const store::Options options_;
    Hands& hands_;
    WorkerPool& workers_;
    std::uint64_t domain_ = 0;
};

}  // namespace

std::vector<std::string> Letterbox::take_warnings() {
    std::lock_guard guard(mutex_);
    return std::exchange(warnings_, {});
}

void Letterbox::add_warning(const std::string& command) {
    std::lock_guard guard(mutex_);
    warnings_.push_back(command);
}

Task<Result<std::unique_ptr<Letterbox>>> open_own_letterbox(std::string location,
                                                            store::Options options,
                                                            WorkerPool& workers) {
    auto own = std::make_unique<OwnLetterbox>();
    CO_TRY_VOID(co_await own->open(std::move(location), std::move(options), workers));
    std::unique_ptr<Letterbox> box = std::move(own);
    co_return box;
}

std::unique_ptr<Letterbox> open_letterbox_of(Identity who, std::string location,
                                             store::Options options, Hands& hands,
                                             WorkerPool& workers) {
    return std::make_unique<OthersLetterbox>(who, std::move(location), std::move(options), hands,
                                             workers);
}

}  // namespace facteur::lmtp_local
