#include "lib/net/dns/ares_channel.h"

#include <unordered_map>

#include <ares.h>
#include <event2/event.h>

#include "lib/base/text.h"
#include "lib/event/loop.h"

namespace facteur::dns {
namespace {

/// What fits into one unfragmented packet (DNS Flag Day 2020).
constexpr int kUdpSize = 1232;
constexpr int kClassIn = 1;

}  // namespace

struct AresChannel::State {
    ares_channel channel = nullptr;
    std::unordered_map<int, event*> sockets;
    event* alarm = nullptr;

    static void on_socket_state(void* self, ares_socket_t fd, int readable, int writable) {
        auto& state = *static_cast<State*>(self);
        if (auto old = state.sockets.find(fd); old != state.sockets.end()) {
            ::event_free(old->second);
            state.sockets.erase(old);
        }
        if (!readable && !writable) return;
        int what = EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0);
        event* made =
            ::event_new(Loop::current().base(), fd, static_cast<short>(what), on_event, self);
        if (!made) return;  // the question then times out
        ::event_add(made, nullptr);
        state.sockets[fd] = made;
    }
    static void on_event(int fd, short what, void* self) {
        auto& state = *static_cast<State*>(self);
        ::ares_process_fd(state.channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
                          what & EV_WRITE ? fd : ARES_SOCKET_BAD);
        state.set_alarm();
    }
    static void on_alarm(int, short, void* self) {
        auto& state = *static_cast<State*>(self);
        ::ares_process_fd(state.channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        state.set_alarm();
    }
    static void on_reply(void* done, int status, int, unsigned char* reply, int size) {
        std::unique_ptr<Done> call(static_cast<Done*>(done));
        std::string_view bytes;
        if (status == ARES_SUCCESS && reply) {
            bytes = {reinterpret_cast<char*>(reply), static_cast<std::size_t>(size)};  // NOLINT
        }
        if (status != ARES_EDESTRUCTION) (*call)(bytes);
    }
    void set_alarm() const {
        timeval tv{};
        if (::ares_timeout(channel, nullptr, &tv)) {
            ::event_add(alarm, &tv);
        } else {
            ::event_del(alarm);
        }
    }
};

AresChannel::AresChannel(std::unique_ptr<State> state) : state_(std::move(state)) {}

AresChannel::~AresChannel() {
    if (state_->channel) ::ares_destroy(state_->channel);
    for (auto& [fd, watched] : state_->sockets)
        ::event_free(watched);
    if (state_->alarm) ::event_free(state_->alarm);
}

Result<std::unique_ptr<AresChannel>> AresChannel::create(const Options& options) {
    static const int kReady = ::ares_library_init(ARES_LIB_INIT_ALL);
    std::unique_ptr<AresChannel> made(new AresChannel(std::make_unique<State>()));
    State& state = *made->state_;
    ares_options wanted{};
    wanted.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
    wanted.ednspsz = kUdpSize;
    wanted.timeout = static_cast<int>(options.timeout.count());
    wanted.tries = options.tries;
    wanted.sock_state_cb = State::on_socket_state;
    wanted.sock_state_cb_data = &state;
    int status = ::ares_init_options(&state.channel, &wanted,
                                     ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS |
                                         ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (kReady != ARES_SUCCESS || status != ARES_SUCCESS) {
        return temporary(std::string("cannot start the resolver: ") + ::ares_strerror(status));
    }
    state.alarm = ::event_new(Loop::current().base(), -1, 0, State::on_alarm, &state);
    if (!state.alarm) return temporary("cannot start the resolver: out of memory");
    if (options.servers.empty()) return made;
    std::string list = join(options.servers, ",");
    if (::ares_set_servers_ports_csv(state.channel, list.c_str()) != ARES_SUCCESS) {
        return permanent("bad name server address in \"" + list + "\"");
    }
    return made;
}

bool AresChannel::ask(const std::string& name, Type type, Done done) {
    unsigned char* packet = nullptr;
    int size = 0;
    int status = ::ares_create_query(name.c_str(), kClassIn, static_cast<int>(type), 0, 1, &packet,
                                     &size, kUdpSize);
    if (status != ARES_SUCCESS) return false;
    packet[3] |= 0x20;  // RFC 6840 section 5.7: tell us whether the answer was validated
    ::ares_send(state_->channel, packet, size, State::on_reply,
                new Done(std::move(done)));  // NOLINT: on_reply() owns it
    ::ares_free_string(packet);
    state_->set_alarm();
    return true;
}

}  // namespace facteur::dns
