// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/router_names.h"

#include <cstdlib>
#include <cstring>
#include <map>

#include <netdb.h>
#include <netinet/in.h>

#include "tests/sim/host.h"

namespace
{

std::map<std::string, std::string> &known()
{
    static std::map<std::string, std::string> all;
    return all;
}

struct Answer {
    struct addrinfo info;
    struct sockaddr_in6 address;
};

} // namespace

namespace sim
{

struct names *all_names()
{
    // The router's own: it has both families.
    static const struct ip_addr ours[] = {Host::parse("10.0.0.2"), Host::parse("2001:db8::2")};
    static struct names *all = names_create(ours, 2);
    return all;
}

void name_is_at(const std::string &name, const std::string &address)
{
    known()[name] = address;
}

void look_up_again()
{
    free(names_refresh(all_names()));
}

} // namespace sim

// In place of the system's.
extern "C" int getaddrinfo(const char *node, const char *, const struct addrinfo *,
                           struct addrinfo **out)
{
    auto found = known().find(node);
    std::string text = found == known().end() ? node : found->second;
    struct ip_addr a;
    if (!ip_addr_parse(text.data(), text.size(), &a))
        return EAI_NONAME;
    auto *answer = new Answer{};
    answer->info.ai_addr = reinterpret_cast<struct sockaddr *>(&answer->address);
    answer->info.ai_family = ip_addr_is_v4(&a) ? AF_INET : AF_INET6;
    if (ip_addr_is_v4(&a))
        memcpy(&reinterpret_cast<struct sockaddr_in *>(&answer->address)->sin_addr, a.b + 12, 4);
    else
        memcpy(&answer->address.sin6_addr, a.b, 16);
    *out = &answer->info;
    return 0;
}

extern "C" void freeaddrinfo(struct addrinfo *info)
{
    delete reinterpret_cast<Answer *>(info);
}
