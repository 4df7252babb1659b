#include "lmtp-local/letterbox.h"

#include "lib/store/flush.h"

namespace facteur::lmtp_local {
namespace {

class OwnLetterbox : public Letterbox {
public:
    explicit OwnLetterbox(std::unique_ptr<store::Store> mail) : store_(std::move(mail)) {}

    Task<Result<void>> append(store::NewMessage message) override;
    Task<Result<void>> flush() override;
    std::uint64_t flush_domain() const override { return store_->flush_domain(); }

private:
    std::unique_ptr<store::Store> store_;
};

Task<Result<void>> OwnLetterbox::append(store::NewMessage message) {
    auto appended = co_await store_->append("INBOX", std::move(message));
    if (!appended) co_return std::unexpected(std::move(appended).error());
    co_return Result<void>();
}

Task<Result<void>> OwnLetterbox::flush() {
    co_return co_await store_->flush();
}

class OthersLetterbox : public Letterbox {
public:
    OthersLetterbox(Identity who, std::string location, std::string hostname, Hands& hands,
                    WorkerPool& workers)
        : who_(who),
          location_(std::move(location)),
          hostname_(std::move(hostname)),
          hands_(hands),
          workers_(workers) {}

    Task<Result<void>> append(store::NewMessage message) override {
        MaildirTask task;
        task.location = location_;
        task.hostname = hostname_;
        task.prefix = std::move(message.prefix);
        task.offset = message.content_offset;
        task.size = message.content_size;
        task.delivery_id = std::move(message.delivery_id);
        task.maybe_delivered = message.maybe_delivered;
        task.durable = message.durability == store::Durability::now;
        CO_TRY(auto answer, co_await hands_.ask(who_, std::move(task), std::move(message.content)));
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

private:
    const Identity who_;
    const std::string location_;
    const std::string hostname_;
    Hands& hands_;
    WorkerPool& workers_;
    std::uint64_t domain_ = 0;
};

}  // namespace

Task<Result<std::unique_ptr<Letterbox>>> open_own_letterbox(std::string location,
                                                            store::Options options,
                                                            WorkerPool& workers) {
    CO_TRY(auto mail, co_await store::open_store(std::move(location), std::move(options), workers));
    std::unique_ptr<Letterbox> box = std::make_unique<OwnLetterbox>(std::move(mail));
    co_return box;
}

std::unique_ptr<Letterbox> open_letterbox_of(Identity who, std::string location,
                                             std::string hostname, Hands& hands,
                                             WorkerPool& workers) {
    return std::make_unique<OthersLetterbox>(who, std::move(location), std::move(hostname), hands,
                                             workers);
}

}  // namespace facteur::lmtp_local
