#include "lib/event/worker.h"

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/event/run_queue.h"

namespace facteur {
namespace {

struct Job {
    std::function<void()>* work = nullptr;
    std::coroutine_handle<> coroutine;
    Resumption resumption;
    std::exception_ptr failure;
};

}  // namespace

struct WorkerPool::Shared {
    explicit Shared(std::size_t most) : most_threads(most) {}

    void thread_main() {
        std::unique_lock lock(mutex);
        for (;;) {
            ++idle;
            work_came.wait(lock, [this] { return closing || !waiting.empty(); });
            --idle;
            if (waiting.empty()) return;
            Job* job = waiting.front();
            waiting.pop_front();
            lock.unlock();
            try {
                (*job->work)();
            } catch (...) {
                job->failure = std::current_exception();
            }
            lock.lock();
            done.push_back(job);
            if (done.size() == 1) wake_loop();
        }
    }

    void wake_loop() const {
        std::uint64_t one = 1;
        [[maybe_unused]] ssize_t written = ::write(bell.get(), &one, sizeof one);
    }

    static void on_bell(int fd, short, void* self) {
        auto& pool = *static_cast<Shared*>(self);
        std::uint64_t count = 0;
        [[maybe_unused]] ssize_t got = ::read(fd, &count, sizeof count);
        std::deque<Job*> finished;
        {
            std::lock_guard lock(pool.mutex);
            finished.swap(pool.done);
        }
        for (Job* job : finished)
            job->resumption.later(job->coroutine);
    }

    void add(Job* job) {
        std::lock_guard lock(mutex);
        waiting.push_back(job);
        if (idle < waiting.size() && threads.size() < most_threads) {
            threads.emplace_back([this] { thread_main(); });
        }
        work_came.notify_one();
    }

    const std::size_t most_threads;
    std::mutex mutex;
    std::condition_variable work_came;
    std::deque<Job*> waiting;
    std::deque<Job*> done;
    std::vector<std::thread> threads;
    std::size_t idle = 0;
    bool closing = false;
    Fd bell{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    event* bell_event = nullptr;
};

WorkerPool::WorkerPool(std::size_t threads) : shared_(std::make_unique<Shared>(threads)) {
    shared_->bell_event = ::event_new(Loop::current().base(), shared_->bell.get(),
                                      EV_READ | EV_PERSIST, &Shared::on_bell, shared_.get());
    if (!shared_->bell || !shared_->bell_event || ::event_add(shared_->bell_event, nullptr) != 0) {
        log_fatal("cannot start worker threads: out of resources");
    }
}

WorkerPool::~WorkerPool() {
    {
        std::lock_guard lock(shared_->mutex);
        shared_->closing = true;
        shared_->work_came.notify_all();
    }
    for (std::thread& thread : shared_->threads)
        thread.join();
    ::event_free(shared_->bell_event);
}

Task<void> WorkerPool::run_void(std::function<void()> work) {
    class Hand {
    public:
        Hand(Shared& shared, std::function<void()>& work) : shared_(shared) { job_.work = &work; }
        Hand(const Hand&) = delete;
        Hand& operator=(const Hand&) = delete;
        bool await_ready() const { return false; }
        void await_suspend(std::coroutine_handle<> coroutine) {
            job_.coroutine = coroutine;
            shared_.add(&job_);
        }
        void await_resume() {
            if (job_.failure) std::rethrow_exception(job_.failure);
        }

    private:
        Shared& shared_;
        Job job_;
    };
    co_await Hand(*shared_, work);
}

}  // namespace facteur
