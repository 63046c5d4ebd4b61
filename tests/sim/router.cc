// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/router.h"

#include "tests/sim/router_names.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <rte_mbuf.h>
#include <unistd.h>

namespace sim
{

Configuration::Configuration(const Files &files, struct snapshot *old)
{
    char directory[] = "/dev/shm/splitmx-sim-XXXXXX"; // a seed may make many
    if (mkdtemp(directory) == nullptr)
        throw std::runtime_error("mkdtemp");
    for (const auto &[name, text] : files)
        std::ofstream(std::string(directory) + "/" + name) << text;
    errors_ = config_errors_new();
    config_ = config_load((std::string(directory) + "/splitmx.ini").c_str(), errors_);
    if (config_ != nullptr) {
        settings_build(&settings, config_, errors_);
        struct snapshot_request request = {};
        request.config = config_;
        request.locals = settings.ports[0].addresses;
        request.local_count = settings.ports[0].address_count;
        request.workers = 1;
        request.names = all_names();
        request.old = old;
        request.now = Router::kWall / NSEC_PER_SEC;
        request.oldest_in_use = old == nullptr ? 0 : snapshot_generation(old);
        struct snapshot_summary summary;
        snapshot = snapshot_make(&request, &summary, errors_);
        if (snapshot != nullptr)
            snapshot_seal(snapshot, old == nullptr ? 1 : snapshot_generation(old) + 1);
    }
    std::filesystem::remove_all(directory);
    if (config_errors_count(errors_) == 0)
        return;
    config_errors_print(errors_, stderr);
    throw std::runtime_error("configuration");
}

Configuration::~Configuration()
{
    snapshot_free(snapshot);
    config_free(config_);
    config_errors_free(errors_);
}

std::shared_ptr<const Configuration> Configuration::of(const Files &files)
{
    static std::map<Files, std::shared_ptr<const Configuration>> kept;
    constexpr size_t kMost = 64;
    auto found = kept.find(files);
    if (found != kept.end())
        return found->second;
    if (kept.size() == kMost)
        kept.clear();
    return kept[files] = std::make_shared<const Configuration>(files);
}

Router::Router(Wire &wire, unsigned side, uint64_t seed, const Files &files, nsec_t now,
               uint32_t budget)
    : wire_(wire), side_(side), pools_(memory(side, budget)), before_(RELAY_COUNTER_COUNT)
{
    wire.end(side).pools = pools_;
    start(seed, files, now);
}

Router::~Router()
{
    stop();
}

void Router::start(uint64_t seed, const Files &files, nsec_t now)
{
    configuration_ = Configuration::of(files);
    settings_ = configuration_->settings;
    publisher_ = publisher_create(1, snapshot_ref(configuration_->snapshot));
    log_ = maillog_create("sim", settings_.max_recipients);
    struct worker_config config = {};
    config.settings = &settings_;
    config.snapshot = configuration_->snapshot;
    config.publisher = publisher_;
    config.pools = pools_;
    config.links[0] = &wire_.end(side_).link;
    config.log = log_;
    config.wall_offset = &wall_offset_;
    for (size_t k = 0; k < sizeof(config.secret); k++)
        config.secret[k] = uint8_t((seed + k / 8) >> (k % 8 * 8)) ^ uint8_t(k * 37);
    const char *why;
    worker_ = worker_create(&config, now, &why);
    if (worker_ == nullptr)
        throw std::runtime_error(why);
    starts++;
}

void Router::stop()
{
    give_back();
    lines_ = log();
    for (unsigned k = 0; k < RELAY_COUNTER_COUNT; k++)
        before_[k] += relay_counters(relay())[k];
    worker_destroy(worker_);
    publisher_destroy(publisher_);
    maillog_destroy(log_);
}

void Router::crash(uint64_t seed, const Files &files, nsec_t now)
{
    stop();
    start(seed, files, now);
}

void Router::shutdown()
{
    worker_shutdown(worker_);
}

bool Router::over(nsec_t now)
{
    return worker_is_over(worker_, now);
}

void Router::retire()
{
    relay_shutdown(const_cast<struct relay *>(relay()));
}

void Router::abort()
{
    relay_abort(const_cast<struct relay *>(relay()));
}

void Router::take_buffers(uint32_t leave, nsec_t until)
{
    taken_until_ = until;
    while (rte_mempool_avail_count(pools_->data) > leave) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pools_->data);
        if (m == nullptr)
            break;
        taken_.push_back(m);
    }
}

void Router::give_back()
{
    for (struct rte_mbuf *m : taken_)
        rte_pktmbuf_free(m);
    taken_.clear();
}

void Router::round(nsec_t now)
{
    if (now >= taken_until_)
        give_back();
    worker_pick_up(worker_);
    worker_round(worker_, now);
    publisher_collect(publisher_);
}

void Router::reload(const Files &files)
{
    struct snapshot *old = publisher_current(publisher_)->snapshot;
    Configuration c(files, old);
    publisher_publish(publisher_, snapshot_ref(c.snapshot));
}

nsec_t Router::next() const
{
    return worker_next(worker_);
}

uint64_t Router::counter(enum relay_counter which) const
{
    return before_[which] + relay_counters(relay())[which];
}

std::vector<std::string> Router::log()
{
    char *text = nullptr;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    maillog_drain(log_, out);
    fclose(out);
    std::istringstream in(std::string(text, size));
    free(text);
    std::vector<std::string> lines = std::move(lines_);
    lines_.clear();
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

std::string Router::leaks()
{
    std::ostringstream out;
    struct relay_usage u = relay_usage(relay());
    if (u.sessions + u.transactions + u.recipients + u.connections > 0)
        out << "sessions " << u.sessions << " transactions " << u.transactions << " recipients "
            << u.recipients << " connections " << u.connections << "; ";
    for (std::string &line : log())
        lines_.push_back(std::move(line));
    if (maillog_in_use(log_) > 0)
        out << "log records " << maillog_in_use(log_) << "; ";
    for (auto [pool, what] : {std::pair(pools_->data, "buffers "),
                              {pools_->header, "headers "},
                              {pools_->indirect, "references "}})
        if (unsigned n = rte_mempool_in_use_count(pool))
            out << what << n << "; ";
    return out.str();
}

} // namespace sim
