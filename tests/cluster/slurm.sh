#!/usr/bin/env bash
# A real Slurm on one machine, for tests: a controller, a CPU node c1 and a GPU node g1 with two stand-in GPUs, from
# Debian's packages and without systemd.
#
#   slurm.sh start    install what is missing (root, apt), start the daemons, wait until both nodes are idle
#   slurm.sh stop     stop them and remove their files
#
# All files are in $SLURM_TEST_FOLDER (default /tmp/slurm-test); /etc/slurm gets links to them, because programs inside
# jobs look there, and a configuration of somebody else is left alone. `completed` in the folder has one line per
# finished job with its state, node and resources. Nodes claim more cores and memory than the machine may have, so that
# a test of the queue does not depend on the machine.
set -euo pipefail
FOLDER=${SLURM_TEST_FOLDER:-/tmp/slurm-test}
HOST=$(hostname -s)

fail() {
    echo "slurm.sh: $*" >&2
    exit 1
}

wait_for() { # wait_for SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "timed out: $*; see $FOLDER/*.log"
        sleep 0.2
    done
}

running() { # running NAME: whether the daemon of $FOLDER/NAME.pid runs
    [ -s "$FOLDER/$1.pid" ] && kill -0 "$(cat "$FOLDER/$1.pid")" 2>/dev/null
}

install_packages() {
    command -v slurmctld slurmd munged >/dev/null && return
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
}

configure() {
    local file
    mkdir -p "$FOLDER/state" /etc/slurm
    for file in slurm.conf gres.conf; do
        if [ -e "/etc/slurm/$file" ] && [ "$(readlink "/etc/slurm/$file")" != "$FOLDER/$file" ]; then
            fail "/etc/slurm/$file belongs to another Slurm"
        fi
        ln -sfn "$FOLDER/$file" "/etc/slurm/$file"
    done
    # A GPU has to be a character device, or jobs get no CUDA_VISIBLE_DEVICES.
    for file in "$FOLDER/gpu0" "$FOLDER/gpu1"; do
        [ -c "$file" ] || mknod -m 666 "$file" c 1 3
    done
    echo "NodeName=g1 Name=gpu File=$FOLDER/gpu[0-1]" >"$FOLDER/gres.conf"
    cat >"$FOLDER/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$HOST(127.0.0.1)
SlurmUser=root
StateSaveLocation=$FOLDER/state
SlurmdSpoolDir=$FOLDER/%n
SlurmctldPidFile=$FOLDER/slurmctld.pid
SlurmdPidFile=$FOLDER/%n.pid
SlurmctldLogFile=$FOLDER/slurmctld.log
SlurmdLogFile=$FOLDER/%n.log
JobCompType=jobcomp/filetxt
JobCompLoc=$FOLDER/completed
AccountingStorageType=accounting_storage/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
# Without accounting, squeue has to remember finished jobs for longer than the time between two questions.
MinJobAge=600
ReturnToService=2
SlurmdTimeout=15
KillWait=5
JobRequeue=0
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# Kills a job within seconds of exceeding its memory, where cgroups cannot be used.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=c1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=17001 CPUs=${SLURM_TEST_CPUS:-4} RealMemory=64000
NodeName=g1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=17002 CPUs=4 RealMemory=64000 Gres=gpu:2
PartitionName=cpu Nodes=c1 Default=YES MaxTime=1-0
PartitionName=gpu Nodes=g1 MaxTime=1-0
END
}

start() {
    [ "$(id -u)" = 0 ] || fail "needs root"
    install_packages
    configure
    install -d -o munge -g munge -m 755 /run/munge
    [ -s /etc/munge/munge.key ] || mungekey --create
    chown munge: /etc/munge/munge.key
    if ! munge -n >/dev/null 2>&1; then
        rm -f /run/munge/munge.socket.2
        runuser -u munge -- munged
        touch "$FOLDER/munged_is_ours"
    fi
    wait_for 20 munge -n
    running slurmctld || slurmctld
    wait_for 60 sh -c 'scontrol ping | grep -q " UP"'
    for node in c1 g1; do running $node || slurmd -N $node; done
    wait_for 60 sh -c '[ "$(sinfo -h -N -t idle -o %N | sort -u | wc -l)" = 2 ]'
    sinfo
}

stop() {
    local name
    for name in c1 g1 slurmctld; do
        running $name && kill "$(cat "$FOLDER/$name.pid")"
        for _ in $(seq 100); do running $name && sleep 0.1; done
    done
    [ ! -e "$FOLDER/munged_is_ours" ] || kill "$(cat /run/munge/munged.pid)" || true
    for name in slurm.conf gres.conf; do
        [ "$(readlink "/etc/slurm/$name")" != "$FOLDER/$name" ] || rm "/etc/slurm/$name"
    done
    rm -rf "$FOLDER"
}

case "${1:-}" in
start | stop) "$1" ;;
*) fail "usage: slurm.sh start | stop" ;;
esac
