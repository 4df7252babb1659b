#pragma once

#include <set>
#include <string>

#include "lib/daemon/settings.h"
#include "master/certificates.h"

namespace facteur::master {

struct Settings : daemon::Settings {
    conf::Param<int> process_limit{
        params, "default_process_limit", 0, conf::Range<int>{0, 1000, 0},
        "The number of processes of a service whose maxproc column is \"-\"; 0: one a processor, "
        "since each serves thousands of sessions."};
    conf::Param<std::string> maillog_file{
        params, "maillog_file", "",
        "The log file of all daemons, opened again on reload; when empty they use syslog(3)."};
    conf::Param<conf::Seconds> stop_limit{
        params, "master_stop_time_limit", conf::Seconds(15), conf::at_least(conf::Seconds(1)),
        "How long each step of a stop waits for its daemons before it kills them."};
    conf::Param<conf::Seconds> drain_limit{
        params, "master_drain_time_limit", conf::Seconds(30), conf::at_least(conf::Seconds(1)),
        "How long a reload waits for a daemon of which there can be only one."};
    conf::Param<conf::Seconds> service_throttle_time{
        params, "service_throttle_time", conf::Seconds(60), conf::at_least(conf::Seconds(1)),
        "The longest delay before a daemon that keeps failing is started again."};
    conf::Param<conf::Seconds> certificate_look{
        params, "tls_certificate_check_interval", conf::Seconds(60),
        conf::at_least(conf::Seconds(0)),
        "How often the files with TLS certificates and keys are looked at; when they have changed "
        "the configuration is reloaded. 0: never."};
    conf::Param<std::string> setgid_group{
        params, "setgid_group", "facteur-drop",
        "The group of the set-gid program that writes to maildrop/ for sendmail(1)."};
    conf::Param<int> backlog{params, "master_listen_backlog", 4096, conf::Range<int>{1, 65535, 0},
                             "The length of the queue of connections that wait to be accepted."};

    /// With certificates and keys, of all daemons.
    std::set<std::string> certificate_files;
    void loaded(const conf::MainCf& file, const conf::Values& values) override {
        certificate_files = master::certificate_files(file, values);
    }
};

}  // namespace facteur::master
