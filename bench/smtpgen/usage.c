/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of --help. */
#include "bench/smtpgen/usage.h"

static const char port_help[] =
    "The port, an end of the wire to what is tested:\n"
    "      --port DEVICE         DPDK's name, e.g. net_af_packet0,iface=veth1 or 0000:3b:00.0\n"
    "      --address ADDRESS/LEN of the port; up to 8 of them\n"
    "      --gateway ADDRESS     for what lies beyond the addresses' networks; one of each family\n"
    "      --cpu N               run on this CPU\n"
    "      --nap                 give the core back when there is nothing to do (default: poll)\n"
    "      --no-huge             plain pages instead of hugepages\n"
    "      --connections N       at most, in both directions (default: as many as needed)\n"
    "      --buffers N           packet buffers of 2 KiB for connections (default 65536)\n"
    "      --window BYTES        receive window and send queue of a connection (default 1m)\n";

static const char source_help[] =
    "The source; flags mean what they mean to smtp-source(1):\n"
    "  -s, --sessions N      sessions at once (default 1)\n"
    "  -m, --messages N      messages in all (default 1; without limit if --duration is given)\n"
    "  -l, --size BYTES      of a message, at least 256; k and m are understood (default 1k)\n"
    "  -r, --recipients N    of each message (default 1)\n"
    "  -f, --from ADDRESS    sender (default smtpgen@example.org)\n"
    "  -t, --to ADDRESS      recipient; several are used in turn; user%@example.com:1-1000 is a\n"
    "                        family of a thousand\n"
    "      --recipients-file FILE  one a line\n"
    "      --local ADDRESS, --external ADDRESS, --unknown ADDRESS  likewise, of a class\n"
    "      --share CLASS=N,...   of messages; default: classes share alike\n"
    "      --mixed               recipients of several classes in one message\n"
    "  -d, --keep            keep the connection for the next message\n"
    "  -M, --hostname NAME   for EHLO (default smtpgen.example)\n"
    "  -S, --subject TEXT\n"
    "      --pipelining on|off   where the server offers it (default on)\n"
    "      --duration SECONDS    begin no message after that\n"
    "      --warm-up SECONDS     first, and not counted\n"
    "      --rate N              messages a second, sent when they are due, whatever became of\n"
    "                            those before; latency counts from there. Needs sessions enough\n"
    "      --ramp SECONDS        for the rate to grow from nothing\n"
    "      --even                evenly spaced; else as chance has it\n"
    "      --sizes SIZE:WEIGHT,...  several sizes, e.g. 1k:70,10k:20,100k:10\n"
    "  -N, --number          a number of its own in front of each recipient\n"
    "  -w, --pause SECONDS   between two messages of a session\n"
    "  -R, --random-pause SECONDS  likewise, between nothing and that long\n"
    "      --bdat            in place of DATA; an error where CHUNKING is not offered\n"
    "      --slow BYTES      of content a second, of each session\n"
    "      --impatient SECONDS   close the connection when an answer takes longer\n"
    "      --idle-sessions N     besides, that greet and then say nothing\n"
    "      --records FILE        of what was sent, for `smtpgen verify`\n"
    "      --source ADDRESS      of the clients, in turn (default: as routed)\n";

static const char sink_help[] =
    "The sink; `smtpgen sink` takes the letters, which mean what they mean to smtp-sink(1):\n"
    "      --listen ADDRESS:PORT up to 16 of them (default of `sink`: every address, port 25)\n"
    "      --sink-sessions N     at once (default 10000)\n"
    "  -h, --sink-hostname NAME  (default sink.example)\n"
    "  -8, --sink-no-8bitmime    not offered; likewise:\n"
    "  -p, --sink-no-pipelining\n"
    "  -E, --sink-no-enhanced    enhanced status codes\n"
    "  -e, --sink-no-esmtp       EHLO\n"
    "  -f, --sink-hard POINT[:PERCENT],...  refuse 5xx; a point is CONNECT, HELO, EHLO, MAIL,\n"
    "                            RCPT, DATA, BDAT, CONTENT (its first bytes), \".\", RSET, NOOP "
    "or\n"
    "                            QUIT\n"
    "  -r, --sink-soft POINT[:PERCENT],...  refuse 4xx\n"
    "  -Q, --sink-leave POINT[:PERCENT],... say 421 and close the connection\n"
    "  -q, --sink-close POINT[:PERCENT],... close it without a word\n"
    "      --sink-reset POINT[:PERCENT],... reset it\n"
    "  -W, --sink-delay POINT:SECONDS[:ODDS]  answer late; with ODDS, by a random multiple\n"
    "  -w, --sink-delay-data SECONDS  the same for DATA\n"
    "  -B, --sink-hard-reply TEXT  (default 500 5.3.0 Error: command failed)\n"
    "  -b, --sink-soft-reply TEXT  (default 450 4.3.0 Error: command failed)\n"
    "      --sink-records FILE   of what was received, for `smtpgen verify`\n";

static const char both_help[] =
    "Both:\n"
    "      --verify              what was accepted was delivered: once, unaltered, exit code 1 if\n"
    "                            not\n"
    "      --expect CLASS=ADDRESS:PORT,...  and to the right sink (none: nowhere)\n";

static const char common_help[] =
    "Results:\n"
    "  -c, --progress        a line each second (default on a terminal)\n"
    "      --json FILE       write the results, - for standard output\n"
    "      --seed N          of all that chance decides (default 1)\n"
    "      --help            this text\n";

void usage_print(enum role role, FILE *out)
{
    fprintf(out, "usage: smtpgen %s --port DEVICE --address ADDRESS/LEN [OPTION...]%s\n\n",
            role == ROLE_SOURCE ? "source"
            : role == ROLE_SINK ? "sink"
                                : "both",
            role & ROLE_SOURCE ? " SERVER:PORT" : "");
    fputs(port_help, out);
    if (role & ROLE_SOURCE)
        fputs(source_help, out);
    if (role & ROLE_SINK)
        fputs(sink_help, out);
    if (role == ROLE_BOTH)
        fputs(both_help, out);
    fputs(common_help, out);
}
