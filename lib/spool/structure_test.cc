#include "lib/spool/structure.h"

#include <cstdlib>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/spool/message_file.h"
#include "lib/spool/queue_id.h"

using namespace facteur;
using namespace facteur::spool;

namespace {

struct Queue {
    Queue() {
        REQUIRE(::mkdtemp(folder.data()));
        REQUIRE(::chdir(folder.c_str()) == 0);
        for (const char* name : {"deferred", "hold", "incoming", "corrupt", "maildrop"})
            REQUIRE(files.make_folder(name, 0700));
    }
    ~Queue() {
        (void)::chdir("/");
        (void)std::system(("rm -rf " + folder).c_str());
    }
    void put(const std::string& id, const std::string& path) {
        Envelope envelope;
        envelope.sender = "a@example.org";
        envelope.recipients.push_back({"b@example.net", "", "", 0});
        const std::vector<std::string> none;
        REQUIRE(write_file(files, NewFile{id, "x\r\n", &envelope, &none, 7}, deferred_path(id)));
        if (path == deferred_path(id)) return;
        (void)files.make_folder(folder_of(path), 0700);
        REQUIRE(files.rename(deferred_path(id), path));
    }
    void mend() {
        found = Structure();
        complaints = 0;
        REQUIRE(mend_structure(files, found, [this](const std::string&) { ++complaints; }));
    }
    static bool is_there(const std::string& path) { return state_of(path).size >= 0; }

    std::string folder = "/tmp/facteur-structure-XXXXXX";
    Files files;
    Structure found;
    int complaints = 0;
};

std::string id_of(std::uint64_t n) {
    return QueueId{n * 1000, 1}.text();
}

}  // namespace

TEST_CASE_METHOD(Queue, "a message in the wrong place is moved to its own", "[spool]") {
    put(id_of(1), deferred_path(id_of(1)));
    put(id_of(2), "deferred/zz/" + id_of(2));
    put(id_of(3), "deferred/" + id_of(3));
    put(id_of(4), "deferred/zz/restored");
    put(id_of(5), "hold/zz/" + id_of(5));
    put(id_of(6), hold_path(id_of(6)));
    mend();
    CHECK(complaints == 0);
    CHECK(found.moved.size() == 4);
    for (unsigned n = 1; n <= 4; ++n)
        CHECK(is_there(deferred_path(id_of(n))));
    CHECK(state_of(deferred_path(id_of(4))).modified == 7);
    CHECK(is_there(hold_path(id_of(5))));
    CHECK(is_there(hold_path(id_of(6))));
    mend();
    CHECK(found.moved.empty());
}

TEST_CASE_METHOD(Queue, "nothing is overwritten, and what is no message is kept", "[spool]") {
    put(id_of(1), "deferred/zz/copy");
    put(id_of(1), hold_path(id_of(1)));
    for (const char* path : {"deferred/core", "hold/core", "hold/.suspended"})
        REQUIRE(files.open(path, O_WRONLY | O_CREAT));
    mend();
    CHECK(complaints == 3);
    CHECK(found.condemned == 2);
    CHECK(is_there("deferred/zz/copy"));
    CHECK(is_there("corrupt/core"));
    CHECK(is_there("corrupt/core.1"));
    CHECK(is_there("hold/.suspended"));
}

TEST_CASE_METHOD(Queue, "only what nobody will complete is purged", "[spool]") {
    put(id_of(1), deferred_path(id_of(1)));
    const std::string young = folder_of(deferred_path(id_of(1))) + "/." + id_of(2);
    REQUIRE(files.open(young, O_WRONLY | O_CREAT));
    REQUIRE(files.open("hold/.suspended", O_WRONLY | O_CREAT));
    Fd written = reserve_file(files, id_of(3)).value();
    { Fd left = reserve_file(files, id_of(4)).value(); }
    REQUIRE(purge_unfinished(files, found));
    CHECK(found.purged == 1);
    CHECK(is_there(young));
    CHECK(is_there("hold/.suspended"));
    CHECK(is_there(incoming_path(id_of(3))));
    CHECK_FALSE(is_there(incoming_path(id_of(4))));
}
