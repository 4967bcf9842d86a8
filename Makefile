# SPDX-License-Identifier: GPL-2.0-or-later
# make help says what there is to make.

VERSION := 0.1.0
prefix ?= /usr
sysconfdir ?= /etc
sbindir ?= $(prefix)/sbin
mandir ?= $(prefix)/share/man
unitdir ?= $(prefix)/lib/systemd/system

# ARCH=arm64 cross-builds; SYSROOT=DIR holds unpacked Debian packages of that architecture.
HOST_ARCH := $(shell uname -m | sed 's/aarch64/arm64/')
ARCH ?= $(HOST_ARCH)
# These variants are clang's alone.
CLANG ?= $(if $(filter coverage fuzz%,$(SAN)),1)
ifneq ($(ARCH),$(HOST_ARCH))
CROSS := $(if $(filter arm64,$(ARCH)),aarch64-linux-gnu-,$(error ARCH=$(ARCH): only arm64 is cross-built))
TRIPLET := $(CROSS:-=)
endif
CC := $(if $(CLANG),clang $(if $(CROSS),--target=$(TRIPLET)),$(CROSS)gcc)
ifdef SYSROOT
LIBDIR := $(SYSROOT)/usr/lib/$(TRIPLET)
CC += --sysroot=$(SYSROOT) -isystem $(SYSROOT)/usr/include/$(TRIPLET) \
	-isystem $(SYSROOT)/usr/include
SYSROOT_LDFLAGS := -B$(LIBDIR) -L$(LIBDIR) -L$(SYSROOT)/lib/$(TRIPLET) \
	-Wl,-rpath-link,$(LIBDIR) -Wl,-rpath-link,$(SYSROOT)/lib/$(TRIPLET)
endif

# make SAN=1 builds with address and undefined-behaviour sanitizers; SAN=fuzz as well with what libFuzzer
# and its harnesses want; SAN=fuzzcov with that alone, to measure coverage.
# SAN=thread builds with the sanitizer for threads; SAN=coverage counts which lines run.
SAN ?=
PLAIN := build/$(ARCH)$(if $(CLANG),-clang)
B := $(PLAIN)$(if $(SAN),-$(SAN:1=san))

WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wvla -Werror
CFLAGS ?= -O2 -g
HARDENING := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
SANFLAGS_1 := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SANFLAGS_fuzzcov := -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp -fsanitize-coverage=trace-loads
SANFLAGS_fuzz := $(SANFLAGS_1) $(SANFLAGS_fuzzcov)
SANFLAGS_fuzzcov += -fprofile-instr-generate -fcoverage-mapping
# This sanitizer does not know fences.  It need not know ours: they put a store before a load, or are
# between two processes; the order of data comes from acquiring loads and releasing stores.
SANFLAGS_thread := -fsanitize=thread $(if $(CLANG),,-Wno-tsan) -fno-omit-frame-pointer
# The counters are in a file from the start of a process, mapped: a worker can write no file at its end,
# and one that is killed counts, too.
SANFLAGS_coverage := -fprofile-instr-generate -fcoverage-mapping -mllvm -runtime-counter-relocation \
	-Wno-unused-command-line-argument
SANFLAGS := $(SANFLAGS_$(SAN))
ALL_CFLAGS := -std=gnu11 $(WARNINGS) -I. -D_GNU_SOURCE -DXVIRTIOD_VERSION='"$(VERSION)"' \
	-DSYSCONFDIR='"$(sysconfdir)"' $(HARDENING) $(SANFLAGS) -MMD -MP
ALL_LDFLAGS := $(SYSROOT_LDFLAGS) -pie -Wl,-z,relro,-z,now $(SANFLAGS) $(LDFLAGS)
XEN_LIBS := -lxendevicemodel -lxenforeignmemory -lxenevtchn -lxengnttab -lxencall -lxenstore -lxentoolcore
LIBS := $(XEN_LIBS) -luring -lconfig -lsystemd -lseccomp -lcap-ng

LAYERS := base transport backends config daemon
OBJS := $(patsubst %.c,$B/%.o,$(wildcard $(LAYERS:%=%/*.c)))
LIB_OBJS := $(filter-out $B/daemon/main.o,$(OBJS))
UNIT_TESTS := $(patsubst %.c,$B/%,$(wildcard tests/unit/*.c))

Q := $(if $(V),,@)

all: $B/xvirtiod

$B/xvirtiod: $(OBJS)
	@echo "  LD    $@"
	$Q$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$B/libxvirtiod.a: $(LIB_OBJS)
	@echo "  AR    $@"
	$Qrm -f $@ && $(CROSS)ar rcs $@ $^

$B/%.o: %.c Makefile
	@echo "  CC    $@"
	$Qmkdir -p $(@D)
	$Q$(CC) $(CFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# The guest's driver of all tests, and how it complains.
DRIVER := $(patsubst %.c,$B/%.o,$(wildcard tests/guest/*.c) tests/sim/check.c)

# A unit test is one file.  What it fakes of the hypervisor comes before the library, so the linker
# takes that and leaves transport/xen.o alone.
FAKES := $(patsubst %.c,$B/%.o,$(wildcard tests/fake/*.c))
$B/tests/unit/%: $B/tests/unit/%.o $(FAKES) $(DRIVER) $B/libxvirtiod.a
	$Q$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

unit-tests: $(UNIT_TESTS)

# A harness is one file; what it needs of the files beside it, of the fakes and the driver, the linker finds.
FUZZ_NAMES := chain config link mmio xenstore
FUZZ_HARNESSES := $(FUZZ_NAMES:%=$B/tests/fuzz/%)
FUZZ_PARTS := $(filter-out $(FUZZ_HARNESSES:=.o),$(patsubst %.c,$B/%.o,$(wildcard tests/fuzz/*.c))) \
	$B/tests/fake/backend.o $(DRIVER)
$(FUZZ_HARNESSES): %: %.o $(FUZZ_PARTS) $B/libxvirtiod.a
	@echo "  LD    $@"
	$Qrm -f $@.a && ar rcs $@.a $(FUZZ_PARTS)
	$Q$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer $(FUZZ_WRAP_$(@F):%=-Wl,--wrap=%) -o $@ $< \
		$(FUZZ_REAL_$(@F):%=$B/%.o) $@.a $B/libxvirtiod.a $(LIBS) -lcmocka

# What a harness wants as it is, though another one's parts have a stand-in for it.
FUZZ_REAL_link := daemon/link

# Functions of the C library that a harness takes the place of.
FUZZ_WRAP_link := clock_gettime sigprocmask signalfd waitpid pidfd_send_signal
FUZZ_WRAP_mmio := open close signal mmap munmap

.PHONY: fuzz fuzz-check fuzz-coverage fuzz-harnesses
fuzz-harnesses: $(FUZZ_HARNESSES)

# What a harness itself loads is of no interest.
ifneq ($(filter fuzz%,$(SAN)),)
$(FUZZ_HARNESSES:=.o) $(FUZZ_PARTS): ALL_CFLAGS += -fno-sanitize-coverage=trace-loads
endif

-include $(FUZZ_PARTS:.o=.d) $(FUZZ_HARNESSES:=.d)

# Look for crashes, with all harnesses or with one: make fuzz FUZZ_TIME=seconds-of-each FUZZ=name
FUZZ ?=
FUZZ_TIME ?= 60
fuzz:
	$Qtests/fuzz/run hunt $(FUZZ_TIME) $(FUZZ)

fuzz-check fuzz-coverage:
	$Qtests/fuzz/run $(@:fuzz-%=%) $(FUZZ)

# The simulator: programs with the library libsim.a, and what they preload under the daemon and
# under Debian's xenstored.  That is never sanitized: the sanitizers' own library is the one that has
# to come first.
SIM_SHIM := $(PLAIN)/tests/sim/libxensim.so
SIM_SHIM_OBJS := $(patsubst %.c,$(PLAIN)/%.o,$(wildcard tests/sim/shim/*.c))
XENSTORED_SHIM := $(PLAIN)/tests/sim/libxenstoredsim.so
XENSTORED_SHIM_OBJS := $(patsubst %.c,$(PLAIN)/%.o,$(wildcard tests/sim/xenstored-shim/*.c))
SIM_OBJS := $(patsubst %.c,$B/%.o,$(wildcard tests/sim/*.c tests/guest/*.c))
SIM_TESTS := $(patsubst %.c,$B/%,$(wildcard tests/sim/t/*.c))
SIM_LIBS := -lxenstore -luring -lpthread -ldl

$(SIM_SHIM_OBJS) $(XENSTORED_SHIM_OBJS): $(PLAIN)/%.o: %.c Makefile
	@echo "  CC    $@"
	$Qmkdir -p $(@D)
	$Q$(CC) $(filter-out $(SANFLAGS) -fPIE -D_FORTIFY_SOURCE=2,$(ALL_CFLAGS)) -fPIC $(CFLAGS) -c -o $@ $<

$(SIM_SHIM): $(SIM_SHIM_OBJS) tests/sim/shim/xensim.map
	@echo "  LD    $@"
	$Q$(CC) $(SYSROOT_LDFLAGS) -shared -Wl,--version-script=tests/sim/shim/xensim.map $(LDFLAGS) \
		-o $@ $(SIM_SHIM_OBJS) -ldl

$(XENSTORED_SHIM): $(XENSTORED_SHIM_OBJS)
	@echo "  LD    $@"
	$Q$(CC) $(SYSROOT_LDFLAGS) -shared $(LDFLAGS) -o $@ $^

# Where the programs find what they start.
$(SIM_OBJS) $(SIM_TESTS:=.o): ALL_CFLAGS += -DSIM_SHIM='"$(abspath $(SIM_SHIM))"' \
	-DSIM_XENSTORED_SHIM='"$(abspath $(XENSTORED_SHIM))"' -DSIM_XVIRTIOD='"$(abspath $B/xvirtiod)"'

$B/tests/sim/libsim.a: $(SIM_OBJS)
	@echo "  AR    $@"
	$Qrm -f $@ && $(CROSS)ar rcs $@ $^

$B/tests/sim/t/%: $B/tests/sim/t/%.o $B/tests/sim/libsim.a | $(XENSTORED_SHIM) $(SIM_SHIM) $B/xvirtiod
	@echo "  LD    $@"
	$Q$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SIM_LIBS)

TRUTH_OBJS := $(patsubst %.c,$B/%.o,$(wildcard tests/truth/*.c))
$B/tests/truth/transcript: $(TRUTH_OBJS) $B/tests/sim/libsim.a | $(XENSTORED_SHIM) $(SIM_SHIM) $B/xvirtiod
	@echo "  LD    $@"
	$Q$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SIM_LIBS)

transcript: $B/tests/truth/transcript $B/xvirtiod
	$Q$< >tests/truth/transcript.txt

# The same program as a guest of real Xen, without an operating system.
TRUTH_IMAGE := build/arm64/tests/lab/truth/Image
TRUTH_SOURCES := tests/lab/truth/start.S tests/lab/truth/machine.c tests/truth/transcript.c \
	$(wildcard tests/guest/*.c)
$(TRUTH_IMAGE): $(TRUTH_SOURCES) tests/lab/truth/truth.lds $(wildcard tests/guest/*.h tests/truth/*.h) Makefile
	@echo "  LD    $@"
	$Qmkdir -p $(@D)
	$Qaarch64-linux-gnu-gcc -std=gnu11 $(WARNINGS) -I. -O2 -g -ffreestanding -fno-pie \
		-fno-stack-protector -mgeneral-regs-only -mstrict-align -fno-tree-loop-distribute-patterns \
		-nostdlib -static -no-pie -Wl,--build-id=none,--no-warn-rwx-segments -Wl,-T,tests/lab/truth/truth.lds -o $@.elf \
		$(TRUTH_SOURCES)
	$Qaarch64-linux-gnu-objcopy -O binary $@.elf $@

CONFORMANCE_OBJS := $(patsubst %.c,$B/%.o,$(wildcard tests/conformance/*.c))
$B/tests/conformance/conformance: $(CONFORMANCE_OBJS) $B/tests/sim/libsim.a | $(XENSTORED_SHIM) $(SIM_SHIM) $B/xvirtiod
	@echo "  LD    $@"
	$Q$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SIM_LIBS)

# The table, and the document made from it.
conformance: $B/tests/conformance/conformance $B/xvirtiod
	$Qtests/conformance/document $<

# Hostile guests: each program is an attack; frame/ is what they have in common.
HOSTILE_FRAME := $(patsubst %.c,$B/%.o,$(wildcard tests/hostile/frame/*.c))
HOSTILE_TESTS := $(patsubst %.c,$B/%,$(wildcard tests/hostile/*.c))

$B/tests/hostile/%: $B/tests/hostile/%.o $(HOSTILE_FRAME) $B/tests/sim/libsim.a | $(XENSTORED_SHIM) $(SIM_SHIM) $B/xvirtiod
	@echo "  LD    $@"
	$Q$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SIM_LIBS)

hostile-tests: $(HOSTILE_TESTS)

hostile:
	$Q$(MAKE) SAN=1 hostile-tests
	$Qtests/check hostile

# Random legal guests.
TORTURE := $B/tests/torture/torture
TORTURE_OBJS := $(patsubst %.c,$B/%.o,$(wildcard tests/torture/*.c))
$(TORTURE): $(TORTURE_OBJS) $B/tests/sim/libsim.a | $(XENSTORED_SHIM) $(SIM_SHIM) $B/xvirtiod
	@echo "  LD    $@"
	$Q$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SIM_LIBS)

SEEDS ?= 10
FROM ?= 1
torture: $(TORTURE)
	$Q$< --seeds $(SEEDS) --from $(FROM)

# The bench: a program for each contender, with what they have in common.
BENCH_CONTENDERS := $(addprefix $B/tests/bench/,xvirtiod uring qsd attach)
BENCH_PARTS := $(patsubst %.c,$B/%.o,$(addprefix tests/bench/,meter.c rings.c run.c vhost_user.c))
$(BENCH_CONTENDERS): %: %.o $(BENCH_PARTS) $B/tests/sim/libsim.a | $(XENSTORED_SHIM) $(SIM_SHIM) $B/xvirtiod
	@echo "  LD    $@"
	$Q$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SIM_LIBS)

bench-programs: $(BENCH_CONTENDERS)

bench bench-quick: $(BENCH_CONTENDERS) $B/xvirtiod
	$Qtests/bench/bench $(if $(filter bench-quick,$@),--quick) --programs $B/tests/bench

# This one is a user of libxen* itself.
$B/tests/sim/t/hypervisor-keeps-xens-rules: SIM_LIBS += $(XEN_LIBS)

# These need no Xen, but parts of the daemon.
PARTS_TESTS := $(filter $B/tests/sim/t/faults-% $B/tests/sim/t/sandbox-%,$(SIM_TESTS))
$(PARTS_TESTS): SIM_LIBS += $(LIBS)
$(PARTS_TESTS): $B/libxvirtiod.a

sim-tests: $(SIM_TESTS) $(SIM_SHIM) $B/xvirtiod $B/tests/truth/transcript $B/tests/conformance/conformance $(TORTURE)

-include $(SIM_OBJS:.o=.d) $(CONFORMANCE_OBJS:.o=.d) $(TRUTH_OBJS:.o=.d) $(SIM_TESTS:=.d) $(SIM_SHIM_OBJS:.o=.d) $(XENSTORED_SHIM_OBJS:.o=.d)
-include $(TORTURE_OBJS:.o=.d)
-include $(BENCH_PARTS:.o=.d) $(BENCH_CONTENDERS:=.d)
-include $(HOSTILE_FRAME:.o=.d) $(HOSTILE_TESTS:=.d)
-include $(OBJS:.o=.d) $(UNIT_TESTS:=.d) $(FAKES:.o=.d) $B/tools/config-keys.d

$B/tools/config-keys: $B/tools/config-keys.o $B/config/keys.o $B/config/value.o $B/config/man.o
	@echo "  LD    $@"
	$Q$(CC) $(ALL_LDFLAGS) -o $@ $^ -lconfig

# The list of keys in the man page comes from the table that the parser uses.
man: $B/tools/config-keys
	$Qtools/update-man config/xvirtiod.conf.5 $<

INSTALL := install -D
UNITS := xvirtiod.service xvirtiod@.service

install: all
	$(INSTALL) -m 755 $B/xvirtiod $(DESTDIR)$(sbindir)/xvirtiod
	$(INSTALL) -m 644 daemon/xvirtiod.8 $(DESTDIR)$(mandir)/man8/xvirtiod.8
	$(INSTALL) -m 644 config/xvirtiod.conf.5 $(DESTDIR)$(mandir)/man5/xvirtiod.conf.5
	test -e $(DESTDIR)$(sysconfdir)/xvirtiod/xvirtiod.conf || $(INSTALL) -m 644 \
		config/xvirtiod.conf $(DESTDIR)$(sysconfdir)/xvirtiod/xvirtiod.conf
	for u in $(UNITS); do \
		sed 's|/usr/sbin/xvirtiod|$(sbindir)/xvirtiod|' systemd/$$u >$B/$$u && \
		$(INSTALL) -m 644 $B/$$u $(DESTDIR)$(unitdir)/$$u || exit; done

uninstall:
	rm -f $(DESTDIR)$(sbindir)/xvirtiod $(DESTDIR)$(mandir)/man8/xvirtiod.8 \
		$(DESTDIR)$(mandir)/man5/xvirtiod.conf.5 $(UNITS:%=$(DESTDIR)$(unitdir)/%)
	@echo "left: $(DESTDIR)$(sysconfdir)/xvirtiod"

# What the tests run of the program: build/coverage/index.html, and a line for each file.
coverage:
	$Qtests/tools/coverage

lint:
	$Qstatus=0; for l in tests/lint/*; do [ ! -x $$l ] || $$l || status=1; done; exit $$status

# The FLASK module, compiled with the policy of each Xen that the lab knows.
policy:
	$Qfor x in 4.17 4.20; do policy/check "$$(tests/lab/lab flask --xen $$x)" || exit; done

# These two need nothing run before them: they install what is missing.
check: packages
	$Qtests/check

check-driver-domain: packages
	$Qtests/lab/check-driver-domain

demo: packages
	$Qtests/lab/demo

packages:
	$Qtools/install-packages

clean:
	rm -rf build

help:
	@echo "make            build the daemon, $B/xvirtiod"
	@echo "make install    with DESTDIR=, prefix=, sysconfdir=, unitdir=; make uninstall"
	@echo "make demo       show it: a guest on real Xen (in QEMU) uses a disk; installs packages"
	@echo "make check      all tests, those on real Xen included; installs packages"
	@echo "make coverage   what the tests run of the program: a summary, and build/coverage/index.html"
	@echo "make bench      measure it side by side with others; 10 minutes.  make bench-quick: 2"
	@echo "make clean      remove build/"
	@echo
	@echo "One kind of test; tests/check STAGE... runs the stages of make check:"
	@echo "make lint         the checks of the source"
	@echo "make policy       the FLASK policy for driver domains: does it compile, and keep its promises?"
	@echo "make conformance  each clause of VIRTIO, its test and the result; writes docs/conformance.md"
	@echo "make hostile      attacks of guests, as docs/hostile-guests.md has them, with sanitizers"
	@echo "make check-driver-domain   all of real Xen with the daemon in a driver domain; 25 minutes"
	@echo "make torture      random legal guests: SEEDS=number, FROM=the first"
	@echo "make fuzz         look for crashes with libFuzzer: FUZZ_TIME=seconds, FUZZ=one harness"
	@echo "make fuzz-check   a short run of each harness; make fuzz-coverage: lines reached"
	@echo "Only built by make unit-tests, sim-tests, hostile-tests, bench-programs, fuzz-harnesses:"
	@echo "                  programs to run, such as $B/tests/unit/NAME"
	@echo
	@echo "make man        put the list of configuration keys into the man page"
	@echo "make transcript write anew what a guest sees, tests/truth/transcript.txt"
	@echo "make packages   install the Debian packages that building and testing need"
	@echo
	@echo "CLANG=1         build with clang, not gcc"
	@echo "SAN=1           with sanitizers of addresses and undefined behaviour; SAN=thread: of threads"
	@echo "SAN=coverage    with counters of lines (clang); SAN=fuzz: for the fuzz harnesses (clang)"
	@echo "V=1             show the commands"
	@echo "ARCH=arm64      cross-build; SYSROOT=DIR holds Debian's arm64 packages, unpacked, such as:"
	@echo "                make ARCH=arm64 SYSROOT=\$$(tests/lab/lab sysroot)"

.PHONY: policy all bench bench-quick bench-programs unit-tests hostile-tests hostile torture sim-tests conformance coverage transcript man lint install uninstall check check-driver-domain demo packages clean help
.SECONDARY:
