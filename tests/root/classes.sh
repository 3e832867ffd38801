#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One case for every class of finding but the race (race.sh), and for what must not become one.
. "${TOP_SRCDIR:?}/tests/root/lib.sh"

stop='Run.OnFinding=stop'
# fails NAME "CLASS OPERATION ERRNO GRADE": exit 1 and exactly this finding, with evidence.
fails() {
        ends "$1" 1 FAIL
        is "$1: the finding" "$(findings "$1")" "$2"
        check "$1: its evidence is there" test -s "$(evidence "$1" "${2%% *}")/finding.txt"
}

# Errnos of operations.
SHIM='unlink comm=ss:churn after=5 times=1 errno=ENOSPC' start unlink --set $stop --duration 20s
SHIM='balance after=1 times=1 errno=EINVAL' start balance --set $stop --duration 20s --set Balance.Rest=100ms
SHIM='sync comm=ss:sync after=50 times=1 errno=EIO' start io --set $stop --duration 20s
SHIM='fallocate comm=ss:churn times=1 errno=EDQUOT' start setup --set Churn.Fill=fallocate
fails unlink 'kernel/errno unlink ENOSPC finding'
fails balance 'kernel/balance-einval balance EINVAL finding'
fails io 'hardware/io-error sync EIO hardware'
ends setup 4 ERROR
is "setup: the finding" "$(findings setup)" 'setup/errno fallocate EDQUOT setup'

# Data that is not what was written, and data that cannot be read.
SHIM='pread comm=ss:churn after=9 times=1 flip=8292' start miscompare --set $stop --set Churn.VerifyEvery=1 --duration 20s
SHIM='pread comm=ss:churn after=9 times=1 return=0' start short --set $stop --set Churn.VerifyEvery=1 --duration 20s
SHIM='pread comm=ss:churn after=3 times=1 errno=EIO' start unreadable --set $stop --duration 20s
fails miscompare 'data/miscompare read null finding'
is "miscompare: once" "$(query miscompare '.findings | map(.count) | join(" ")')" 1
is "miscompare: which block, which byte" "$(query miscompare '.findings[0] | "\(.logical % 65536) \(.text | test("churn-1/0, cycle [0-9]+: flipped: payload differs from byte 100 on"))"')" "8192 true"
fails short 'data/miscompare read null finding'
is "short: where the file ends" "$(query short '.findings[0].text | test("lost: the file ends 0 bytes into a block of 65536")')" true
fails unreadable 'hardware/io-error read EIO hardware'

# What is legitimate.
SHIM='balance times=1 return=8' start positive --set Balance.Rest=100ms
SHIM='sync comm=ss:sync after=10 errno=EIO' start forever
SHIM='pwrite comm=ss:churn after=4 times=2 errno=ENOSPC; open comm=ss:churn after=20 times=2 errno=ENOSPC' start full --set Churn.Engine=pwrite
SHIM='scrub comm=ss:scrub after=4 times=1 errno=ECANCELED' start cancelled
ends positive 0 PASS
is "positive: an exclusive operation elsewhere is expected" "$(query positive '"\(.findings | length) \(.errnos.balance["+8"])"')" "0 1"
has "positive: the closing block says so" "$t/positive/err" '^ +\+8 +1 +expected'
ends full 0 PASS
is "full: the rules struck" "$(strikes full 1) $(strikes full 2)" "2 2"
is "full: that is what filling ends in" "$(query full '.findings | length')" 0
ends forever 1 FAIL
is "forever: one row, however often" "$(findings forever)" 'hardware/io-error sync EIO hardware'
is "forever: it does not spin" "$(query forever '.errnos.sync.EIO >= 3 and .errnos.sync.EIO < 60')" true
ends cancelled 0 PASS
is "cancelled: the rule struck, and one scrub cancelled by somebody is no finding" \
        "$(strikes cancelled 1) $(query cancelled '"\(.findings | length) \(.errnos.scrub.ECANCELED >= 1)"')" "1 0 true"

# Counters of scrub and of devices.
SHIM='scrub comm=ss:scrub devid=2 after=3 times=1 csum=7' start counters --set $stop --duration 20s
# Two devices: the jobs look when the target is made, in the preflight, and at the end.
SHIM='dev-stats comm=ss:job devid=1 after=2 writes=3' start devstat
SHIM='scrub comm=ss:scrub times=1 after=3 csum=1; dev-stats comm=ss:job devid=2 after=2 writes=1' start both --duration 1s
SHIM='sync comm=ss:sync after=20 times=1 sleep=2.5' start hang --set Run.OperationDeadline=1s --duration 3s
fails counters 'kernel/scrub-counters scrub null finding'
is "counters: which device, how many" "$(query counters '.findings[0] | "\(.devid) \(.text | test("csum_errors=7"))"')" "2 true"
fails devstat 'hardware/io-error null null hardware'
is "devstat: which device, which counter" "$(query devstat '.findings[0] | "\(.devid) \(.text | test("write errors of /dev/loop[0-9]+ grew from 0 to 3"))"')" "1 true"
is "both: counters that a device's errors explain are the hardware's" \
        "$(finish both; query both '[.findings[].class] | unique | join(" ")')" "hardware/io-error"
fails hang 'kernel/hang sync null finding'
is "hang: how long, where" "$(query hang '.findings[0].text | test("worker sync/1 .*wchan=")')" true
is "hang: once" "$(query hang '.findings[0].count')" 1

# Deaths of workers: ours, so nothing is said about the kernel.
start killed --duration 3s
SHIM='sync comm=ss:sync after=20 times=1 kill=6' start aborted --set Churn.Workers=0 --set Scrub.Enabled=no --set Balance.Enabled=no
if wait_stress killed; then
        kill -9 "$(worker killed ss:churn/1)"
        sleep 0.5
        check "killed: the run goes on without it" alive killed
fi
ends killed 4 ERROR
is "killed: the finding" "$(query killed '.findings[] | "\(.class) \(.grade)"')" 'setup/worker-died setup'
has "killed: who and how" "$t/killed/err" 'churn/1.* killed +by signal 9'
ends aborted 4 ERROR
is "aborted: the finding" "$(query aborted '[.findings[].class] | join(" ")')" 'setup/worker-died'
is "aborted: no worker is left, so the run ends" "$(query aborted '.error | test("All workers have ended")')" true

# The kernel log. Each line names a device of the run it is for, so that other runs on this machine are not concerned.
if [ "$(cat /proc/sys/kernel/printk_devkmsg 2>/dev/null)" = off ]; then
        skip "kernel log" "kernel.printk_devkmsg=off: nothing can be written to /dev/kmsg"
        the_end
fi
start abort --duration 6s --set Run.MaxRemakes=3
start splat --set $stop --duration 20s
start disk --set $stop --duration 20s
start foreign
for name in abort splat disk foreign; do wait_stress $name; done
foreign_loop=loop999999 aborted=$(devices abort | head -n 1)
kernel_says "BTRFS: error (device $foreign_loop: state A) in btrfs_commit_transaction:2500: errno=-5 IO failure"
kernel_says "BTRFS warning (device $foreign_loop): WARNING: made up by a test"
kernel_says "BTRFS info (device $foreign_loop: state EA): forced readonly"
kernel_says "BTRFS warning (device $(devices splat | head -n 1)): WARNING: made up by a test at fs/btrfs/made-up.c:1"
kernel_says "BTRFS error (device $(devices disk | head -n 1)): bdev /dev/$(devices disk | tail -n 1) errs: wr 3, rd 0, flush 0, corrupt 0, gen 0"
# Both lines at once: after the first the target is made again, and its devices may be those of another run.
kernel_says "BTRFS: error (device $aborted: state A) in btrfs_commit_transaction:2500: errno=-117 Filesystem corrupted" \
        "BTRFS info (device $aborted: state EA): forced readonly"
fails abort 'kernel/transaction-abort null EUCLEAN finding'
is "abort: one incident, whatever lines it has" "$(query abort '"\(.findings[0].count) \(.remakes)"')" "1 1"
is "abort: the target was made again and stressed for all of the time" "$(query abort '.duration_s >= 6 and .removals > 0')" true
is "abort: the old one was checked" "$(query abort '.notes | map(test("btrfs check --readonly found no error")) | any')" true
has "abort: the closing block counts it" "$t/abort/err" 'target made again 1 time'
fails splat 'kernel/splat null null finding'
fails disk 'hardware/io-error null null hardware'
ends foreign 0 PASS
is "foreign: the log of other filesystems is not held against this one" "$(findings foreign)" ""

# Lost again and again; read-only without a word in the log, which is watched (somebody's remount), or is not.
start remakes --duration 20s --set Run.MaxRemakes=0
SHIM='sync comm=ss:sync after=50 times=4 errno=EROFS' start remount --duration 2s
SHIM='sync comm=ss:sync after=50 times=4 errno=EROFS' start readonly --duration 2s --set Observe.KernelLog=no
if wait_stress remakes; then
        kernel_says "BTRFS: error (device $(devices remakes | head -n 1): state A) in made_up:1: errno=-2 No such entry"
fi
fails remakes 'kernel/transaction-abort null ENOENT finding'
is "remakes: it ends at the first loss with MaxRemakes=0" "$(query remakes '.duration_s < 10 and (.notes | map(test("MaxRemakes=0")) | any)')" true
ends remount 4 ERROR
is "remount: the finding" "$(findings remount)" 'setup/errno sync EROFS setup'
fails readonly 'kernel/errno sync EROFS finding'
is "readonly: the target was made again, the rest is a consequence" "$(query readonly '"\(.remakes) \(.findings[0].count)"')" "1 1"
the_end
