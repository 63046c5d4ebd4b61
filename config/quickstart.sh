#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SplitMX at work, in one command: a domain split between two real mail servers, and mail to both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<TEXT
Usage: sudo bash config/quickstart.sh [--keep | --stop | --help]

Installs what is needed, builds SplitMX and shows its main job:

                             +-- Postfix "ours"      alice, bob
  swaks -- SplitMX (net_tap) +
                             +-- Postfix "external"  carol, dave

All of it runs in a network namespace of its own, $namespace, and on plain memory: no
network card, no huge pages and no mail system of this machine is touched.

  --keep   leave it running, to send mail through it by hand
  --stop   stop what --keep left running
  --help   this text
TEXT
}

namespace=splitmx-quickstart
home=$PWD/build/quickstart # SplitMX's files: left for reading
run=/run/$namespace        # Postfix's files: gone at the end
domain=example.com
client=10.99.0.1 router=10.99.0.2 ours=10.99.0.10 external=10.99.0.20

say() { printf '\n== %s\n' "$*"; }
fail() {
    echo "quickstart.sh: $*" >&2
    exit 1
}
inside() { ip netns exec "$namespace" "$@"; }

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "$what: not in time; SplitMX said: $(cat "$home/splitmx.log")"
        sleep 0.1
    done
}

# Everything of ours is in the namespace, and nothing else is.
stop_all() {
    if ip netns pids "$namespace" >/dev/null 2>&1; then
        ip netns pids "$namespace" | xargs -r kill 2>/dev/null || true
        for _ in $(seq 50); do
            [ -n "$(ip netns pids "$namespace")" ] || break
            sleep 0.1
        done
        ip netns pids "$namespace" | xargs -r kill -9 2>/dev/null || true
        ip netns delete "$namespace"
    fi
    rm -rf "$run"
}

build() {
    say "building (first time: about a minute)"
    [ -f build/build.ninja ] || meson setup build >/dev/null
    ninja -C build app/splitmx | tail -n 1
    mkdir -p "$home"
}

# A bridge has the addresses of the client and of both servers; SplitMX's TAP joins it.
network() {
    ip netns add "$namespace"
    inside ip link set lo up
    inside ip link add br0 type bridge
    for address in $client $ours $external; do
        inside ip address add $address/24 dev br0
    done
    inside ip link set br0 up
}

# postfix_server NAME ADDRESS MAILBOX...: a real receiving server with these mailboxes.
postfix_server() {
    local name=$1 address=$2 dir=$run/$1
    shift 2
    mkdir -p "$dir"/{config,queue,data,mail}
    chown postfix "$dir/data"
    chown nobody: "$dir/mail"
    printf "%s@$domain %s/\n" $(for mailbox; do echo "$mailbox $mailbox"; done) >"$dir/mailboxes"
    cat >"$dir/config/main.cf" <<TEXT
compatibility_level = 3.6
myhostname = $name.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = $address
inet_protocols = ipv4
queue_directory = $dir/queue
data_directory = $dir/data
maillog_file = $dir/mail.log
maillog_file_prefixes = /run
alias_maps =
alias_database =
virtual_mailbox_domains = $domain
virtual_mailbox_maps = texthash:$dir/mailboxes
virtual_mailbox_base = $dir/mail
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
TEXT
    cat >"$dir/config/master.cf" <<TEXT
$address:25 inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
TEXT
    inside postfix -c "$dir/config" start >/dev/null 2>&1 || fail "Postfix $name does not start, see $dir"
}

splitmx() {
    cat >"$home/$domain.mailboxes" <<TEXT
# The mailboxes on our side, one a line. Everybody else at $domain is on the external side.
alice
bob
TEXT
    cat >"$home/splitmx.ini" <<TEXT
; What quickstart.sh runs. Every key is explained in config/splitmx.ini.
[appliance]
hostname = mx.$domain
idle     = sleep                        ; a shared machine: give the core back when quiet
control  = $home/control

[memory]
hugepages = no                          ; for trying it out; a real appliance has them

[log]
file = $home/mail.log

[port wan]
device  = net_tap0,iface=smx0           ; on real hardware a PCI address, such as 0000:3b:00.0
address = $router/24

[listener smtp]
port     = wan
tcp_port = 25

[domain $domain]
mailboxes            = $domain.mailboxes
mailbox_server       = $ours:25         ; our side
split_domain_routing = yes
external_mail_server = $external:25     ; the other side
verification_address = carol@$domain    ; a valid address there
TEXT
    : >"$home/mail.log"
    inside setsid build/app/splitmx -c "$home/splitmx.ini" >"$home/splitmx.log" 2>&1 </dev/null &
    splitmx_pid=$!
    wait_for 30 "SplitMX's TAP" inside ip link show smx0
    inside ip link set smx0 master br0 up
    # Mail flows to the external side as soon as it has accepted the verification address.
    wait_for 30 "SplitMX with both servers" inside swaks --server $router --helo client.test \
        --from me@client.test --to "carol@$domain" --quit-after RCPT
}

# send "RECIPIENT[,RECIPIENT]" SUBJECT: one message through the kernel's TCP; the last reply.
send() {
    printf '%-42s ' "to $1"
    # swaks shows the server's lines behind "<- ", or "<** " where they refuse; QUIT's 221 comes last.
    { inside swaks --server $router --helo client.test --from me@client.test --to "$1" \
        --header "Subject: $2" --body "Hello." 2>&1 || true; } |
        sed -nE 's/^<(-|\*\*) +//p' | grep -v '^221 ' | tail -n 1
}

show() {
    local name mailbox file
    say "what arrived"
    for name in ours external; do
        for file in "$run/$name"/mail/*/new/*; do
            [ -f "$file" ] || continue
            mailbox=$(basename "$(dirname "$(dirname "$file")")")
            echo "Postfix \"$name\", mailbox $mailbox:"
            # The header fields that tell its way, with the lines that continue them.
            awk '/^$/ {exit} /^[^ \t]/ {ours = /^(Received|Subject):/} ours {print "    " $0}' "$file"
        done
    done
}

arrived() { [ "$(find "$run"/*/mail -path '*/new/*' -type f | wc -l)" -ge "$1" ]; }

keep=no
case ${1-} in
'') ;;
--keep) keep=yes ;;
--stop)
    [ "$(id -u)" = 0 ] || fail "not root; run: sudo bash config/quickstart.sh --stop"
    stop_all
    echo "stopped; $home is left for reading"
    exit 0
    ;;
-h | --help) usage && exit 0 ;;
*) usage >&2 && exit 64 ;;
esac
[ "$(id -u)" = 0 ] || fail "it makes a network namespace: run it as root (sudo bash config/quickstart.sh)"
bash tests/setup.sh
build
ip netns pids "$namespace" >/dev/null 2>&1 && fail "one is running already; to stop it: sudo bash config/quickstart.sh --stop"

trap 'stop_all' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "starting two Postfix servers and SplitMX between them"
network
postfix_server ours $ours alice bob
postfix_server external $external carol dave
splitmx

say "sending"
send "alice@$domain" "for our side"
send "bob@$domain" "for our side"
send "carol@$domain" "for the other side"
send "dave@$domain" "for the other side"
send "nobody@$domain" "for nobody: the external server says so"
send "someone@elsewhere.test" "not our domain: refused"
wait_for 20 "four messages in mailboxes" arrived 4
show

say "how to go on"
echo "SplitMX's configuration and log are in $home."
echo "Ask where an address goes: build/app/splitmx -c build/quickstart/splitmx.ini --route alice@$domain"
if [ $keep = yes ]; then
    trap - EXIT
    cat <<TEXT
It is running. Send more mail:
  sudo ip netns exec $namespace swaks --server $router --to dave@$domain
Mailboxes are in $run/{ours,external}/mail. To see counters: kill -USR1 $splitmx_pid; cat $home/splitmx.log
To stop it: sudo bash config/quickstart.sh --stop
TEXT
else
    echo "Keep it running, to send mail by hand: sudo bash config/quickstart.sh --keep"
fi
