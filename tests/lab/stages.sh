# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2153 # SUITE is not suite
# The stages of the lab: how each part is fetched and built.  See engine.sh for
# what a stage is.  Sourced by "lab" with CACHE, LOGS and LAB_DIR set.

# shellcheck source=tests/lab/versions.env
. "$LAB_DIR/versions.env"

CROSS=aarch64-linux-gnu-
LIBDIR=usr/lib/aarch64-linux-gnu

# The mirror that this machine's apt uses for the suite
mirror() {
	local uri
	# shellcheck disable=SC2016 # apt's own format
	uri=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' |
		sed -n "s/^$SUITE //p" | head -n 1)
	[[ -n $uri ]] || die "no mirror for $SUITE in apt's configuration: run apt-get update"
	printf '%s\n' "$uri"
}

# --- fetching -----------------------------------------------------------------

# apt_tree SUITE: a private apt tree for arm64 with an empty dpkg status, so that
# neither root is needed nor the machine's own packages are looked at or changed.
# Of the machine's configuration only how to reach mirrors (a proxy) is taken over.
# Each suite has a tree, as apt would mix them; SUITE's has its backports, too.
apt_tree() {
	local uri suite suites=("$1") keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	APT=$CACHE/apt
	if [[ $1 == "$SUITE" ]]; then suites+=("$BACKPORTS"); else APT+=-$1; fi
	uri=$(mirror)
	mkdir -p "$APT"/etc/{apt.conf.d,preferences.d} "$APT/state/lists/partial" \
		"$APT/cache/archives/partial"
	: >"$APT/state/status"
	for suite in "${suites[@]}"; do
		printf '%s [signed-by=%s] %s %s main\n' \
			deb "$keyring" "$uri" "$suite" deb-src "$keyring" "$uri" "$suite"
	done >"$APT/etc/sources.list"
	{
		env -u APT_CONFIG apt-config dump |
			grep -E '^Acquire::(https?|Check-[A-Za-z-]*|Retries|ForceIPv[46])[: ]' || :
		cat <<-EOF
			APT::Architecture "arm64";
			APT::Architectures { "arm64"; };
			APT::Install-Recommends "false";
			APT::Sandbox::User "root";
			APT::Get::Assume-Yes "true";
			Acquire::Languages "none";
			Dir::Etc "$APT/etc";
			Dir::State "$APT/state";
			Dir::State::status "$APT/state/status";
			Dir::Cache "$APT/cache";
		EOF
	} >"$APT/apt.conf"
	export APT_CONFIG=$APT/apt.conf
}

# with_index SUITE COMMAND...: run it with the private tree, and once more with
# fresh lists if it fails: a mirror no longer has what old lists name.
with_index() {
	apt_tree "$1"
	shift
	if [[ -e $APT/fetched ]] && "$@"; then
		return
	fi
	apt-get -q update
	: >"$APT/fetched"
	"$@"
}

build_debs() {
	with_index "${XEN_SUITE[$1]}" fetch_debs "$1"
}

# apt keeps what it has downloaded, so a changed package list costs little; the
# result has exactly the packages of the list.
fetch_debs() {
	local file packages="$SYSROOT_PKGS xen-utils-$1"
	# shellcheck disable=SC2086 # lists
	apt-get -q install --download-only $packages &&
	# Only with an empty archive directory are all named.
	apt-get -qq install -o "Dir::Cache::archives=$OUT/none" --print-uris \
		$packages >"$OUT/uris" || return
	while read -r _ file _; do
		ln -f "$APT/cache/archives/$file" "$OUT/" || return
	done <"$OUT/uris"
}

# The sources of a package as they are downloaded; unpacking is for the stage
# that builds it, to keep downloads apart from everything else.
build_source() {
	case $1 in
	xen-*) with_index "${XEN_SUITE[${1#xen-}]}" fetch_source xen "${XEN_SUITE[${1#xen-}]}" ;;
	linux) with_index "$SUITE" fetch_source linux "$BACKPORTS" ;;
	*) with_index "$SUITE" fetch_source "$1" "$SUITE" ;;
	esac
}

# fetch_source PACKAGE SUITE.  A mirror may lack the .dsc, which is not needed.  apt
# lists what is missing or has a wrong sum.
fetch_source() {
	local missing
	cd "$OUT" || return
	apt-get -q source --download-only "$1/$2" && return
	missing=$(apt-get -qq source --print-uris "$1/$2") && ! grep -v '\.dsc ' <<<"$missing"
}

build_kdeb() {
	with_index "$SUITE" fetch_kernel "${KERNEL_SUITE[$1]}"
}

# The package linux-image-arm64 is empty and depends on the current kernel.
fetch_kernel() {
	local package
	package=$(apt-cache show "linux-image-arm64/$1" |
		sed -n 's/^Depends: *\(linux-image-[^ ,]*\).*/\1/p' | head -n 1)
	[[ -n $package ]] && (cd "$OUT" && apt-get -q download "$package/$1")
}

# --- unpacking and building ---------------------------------------------------

# unpack_deb FILE DIR [TAR-ARGUMENT...]; dpkg-deb -x cannot leave things out
unpack_deb() {
	local file=$1 dir=$2
	shift 2
	dpkg-deb --fsys-tarfile "$file" |
		tar -x -C "$dir" --no-same-owner --keep-directory-symlink "$@"
}

# The arm64 userland: headers and libraries for the cross compiler and programs
# for the guests.  /lib and the like are links into /usr, as in a real system.
build_sysroot() {
	local deb dir link
	for dir in bin sbin lib; do
		mkdir -p "$OUT/usr/$dir"
		ln -s "usr/$dir" "$OUT/$dir"
	done
	for deb in "$(stage_dir "debs:$1")"/*.deb; do
		unpack_deb "$deb" "$OUT" --exclude='./usr/share' --exclude='./var' \
			--exclude='./usr/lib/python*' --exclude='./usr/lib/udev'
	done
	# An absolute link would lead the linker out of the sysroot.
	find "$OUT" -lname '/*' -printf '%P\n' | while read -r link; do
		ln -sfnr "$OUT$(readlink "$OUT/$link")" "$OUT/$link"
	done
}

# cross_cc SYSROOT: the compiler command.  -B, -L and -isystem are needed
# because Debian's cross compiler looks for multiarch directories only below its
# own prefix.
cross_cc() {
	printf '%sgcc --sysroot=%s -B%s -L%s -isystem %s -isystem %s' "$CROSS" "$1" \
		"$1/$LIBDIR" "$1/$LIBDIR" \
		"$1/usr/include/aarch64-linux-gnu" "$1/usr/include"
}

# unpack_source NAME DIR: as dpkg-source does, but without a .dsc
unpack_source() {
	local from patch
	from=$(stage_dir "source:$1")
	mkdir -p "$2"
	tar -C "$2" --strip-components=1 -xf "$from"/*.orig.tar.?z
	tar -C "$2" -xf "$from"/*.debian.tar.?z
	while read -r patch _; do
		case $patch in
		'' | '#'*) ;;
		*) patch -d "$2" -s -p1 -i "$2/debian/patches/$patch" ;;
		esac
	done <"$2/debian/patches/series"
}

# config_holds FRAGMENT CONFIG: kconfig silently drops what it cannot set
config_holds() {
	local line
	grep '=y$' "$1" | while read -r line; do
		grep -qx "$line" "$2" || { echo "not in the configuration: $line"; return 1; }
	done
}

# With "-flask": with this security module, and our policy compiled in; the command
# line switches it on (see qemu_command).
build_xen() {
	local src=$OUT/src make fragment fragments=("$LAB_DIR/xen.config")
	unpack_source "xen-${1%-flask}" "$src"
	if [[ $1 == *-flask ]]; then
		fragments+=("$LAB_DIR/flask.config")
		cp "$LAB_DIR/$POLICY" "$src/tools/flask/policy/modules/"
		echo 'xvirtiod = on' >>"$src/tools/flask/policy/modules/modules.conf"
		# Xen 4.17's FLASK refuses what it does not know: to make the UART of "guest exec".
		# Who may reset a domain may do that, too; 4.20 has a permission for it.
		grep -q vuart_op "$src/xen/xsm/flask/hooks.c" ||
			sed -i 's/^    case XEN_DOMCTL_soft_reset:/    case XEN_DOMCTL_vuart_op:\n&/' \
				"$src/xen/xsm/flask/hooks.c"
	fi
	make=(make -C "$src/xen" XEN_TARGET_ARCH=arm64 CROSS_COMPILE="$CROSS" -j"$(nproc)")
	"${make[@]}" arm64_defconfig
	cat "${fragments[@]}" >>"$src/xen/.config"
	"${make[@]}" olddefconfig
	for fragment in "${fragments[@]}"; do
		config_holds "$fragment" "$src/xen/.config"
	done
	"${make[@]}" build
	cp "$src/xen/xen" "$src/xen/xen-syms" "$src/xen/.config" "$OUT/"
	rm -rf "$src"
}

# What policy/compile needs of Xen's source: its own policy, and what the hypervisor knows of it.
build_flask() {
	tar -C "$OUT" --strip-components=1 --wildcards -xf "$(stage_dir "source:xen-$1")"/*.orig.tar.?z \
		'*/tools/flask' '*/xen/xsm/flask/policy'
}

# Debian's fio needs Ceph's libraries and many more; this one needs none.
build_fio() {
	local src=$OUT/src
	unpack_source fio "$src"
	cd "$src" || return
	./configure --cc="$(cross_cc "$(stage_dir "sysroot:$XEN_SERIES")")" --cpu=arm64 --build-static \
		--extra-cflags=-O2 --disable-numa --disable-rdma --disable-rados \
		--disable-rbd --disable-http --disable-gfapi --disable-pmem \
		--disable-libzbc --disable-tcmalloc --disable-native
	grep CONFIG_LIBAIO config-host.h
	make -j"$(nproc)" fio
	"${CROSS}strip" -o "$OUT/fio" fio
	rm -rf "$src"
}

build_kernel() {
	local deb tree=$OUT/tree part version include=()
	deb=$(echo "$(stage_dir "kdeb:$1")"/*.deb)
	mkdir "$tree"
	for part in $MODULE_DIRS; do
		include+=("./lib/modules/*/kernel/$part")
	done
	unpack_deb "$deb" "$tree" --wildcards './boot/vmlinuz-*' \
		'./lib/modules/*/modules.*' "${include[@]}"
	# vmlinuz is an uncompressed Image on arm64.
	mv "$tree"/boot/vmlinuz-* "$OUT/Image"
	version=$(ls "$tree/lib/modules")
	/sbin/depmod -b "$tree" "$version"
	for part in dom0 guest domd; do
		local -n modules=${part^^}_MODULES later=${part^^}_LATER_MODULES
		# shellcheck disable=SC2086 # lists
		"$LAB_DIR/pickmods.py" "$tree/lib/modules/$version" \
			"$OUT/$part/lib/modules/$version" $modules $later
		/sbin/depmod -b "$OUT/$part" "$version"
		mkdir "$OUT/$part/etc"
		echo "$modules" >"$OUT/$part/etc/modules"
		echo "$later" >"$OUT/$part/etc/modules-later"
	done
	rm -rf "$tree"
}

# The small kernel of our own, with what Debian's lack: XEN_VIRTIO (grants) and
# PRIVCMD_EVENTFD (irqfd, ioeventfd).  All is built in.
build_klab() {
	local src=$OUT/src part make
	mkdir "$src"
	tar -C "$src" --strip-components=1 -xf "$(stage_dir source:linux)"/linux_*.orig.tar.xz
	make=(make -C "$src" ARCH=arm64 CROSS_COMPILE="$CROSS" -j"$(nproc)")
	KCONFIG_ALLCONFIG=$LAB_DIR/klab.config "${make[@]}" allnoconfig
	config_holds "$LAB_DIR/klab.config" "$src/.config"
	"${make[@]}" Image
	cp "$src/arch/arm64/boot/Image" "$src/.config" "$OUT/"
	for part in dom0 guest domd; do
		mkdir -p "$OUT/$part/etc"
		touch "$OUT/$part"/etc/modules{,-later}
	done
	rm -rf "$src"
}

# --- images -------------------------------------------------------------------

kernel_dir() {
	if [[ $1 = klab ]]; then stage_dir klab; else stage_dir "kernel:$1"; fi
}

# userland SERIES ARGUMENT...: an archive with what all domains have.  The shell is dash because
# busybox's own prefers its commands, such as losetup, to the real ones in PATH.
userland() {
	local series=$1
	shift
	"$LAB_DIR/mkcpio.py" --sysroot "$(stage_dir "sysroot:$series")" --skeleton \
		--program usr/bin/busybox --program bin/dash --link usr/bin/sh=dash "$@"
}

# dom0:KERNEL-SERIES
build_dom0() {
	local program args=() xen=usr/lib/xen-${1##*-}/bin
	for program in $DOM0_PROGRAMS; do
		args+=(--program "$program")
	done
	for program in $DOM0_XEN_PROGRAMS; do
		args+=(--program "$xen/$program")
	done
	userland "${1##*-}" "${args[@]}" \
		--library libgcc_s.so.1 \
		--tree "$(kernel_dir "${1%-*}")/dom0" \
		--file init="$LAB_DIR/dom0/init" \
		--file usr/bin/guest="$LAB_DIR/dom0/guest" \
		--file etc/xen/scripts/block="$LAB_DIR/dom0/block" \
		--file usr/bin/fio="$(stage_dir fio)/fio" \
		"$OUT/dom0.cpio"
}

# domd:KERNEL-SERIES.  The userland is dom0's, as the daemon that will be added is
# built for that.
build_domd() {
	local program args=()
	for program in $DOMD_PROGRAMS; do
		args+=(--program "$program")
	done
	userland "${1##*-}" "${args[@]}" \
		--library libgcc_s.so.1 \
		--tree "$(kernel_dir "${1%-*}")/domd" \
		--file init="$LAB_DIR/guest/init" \
		--file usr/sbin/lab-agent="$LAB_DIR/guest/agent" \
		"$OUT/domd.cpio"
	"$LAB_DIR/mkcpio.py" --file "lab/${1%-*}/domd.cpio=$OUT/domd.cpio" "$OUT/images.cpio"
	rm "$OUT/domd.cpio"
}

build_guest() {
	local program args=()
	for program in $GUEST_PROGRAMS; do
		args+=(--program "$program")
	done
	userland "$XEN_SERIES" "${args[@]}" \
		--tree "$(kernel_dir "$1")/guest" \
		--file init="$LAB_DIR/guest/init" \
		--file usr/sbin/lab-agent="$LAB_DIR/guest/agent" \
		--file usr/bin/fio="$(stage_dir fio)/fio" \
		"$OUT/guest.cpio"
	# For dom0's initramfs: xl maps and reads these page by page, so that they
	# are best in dom0's memory.
	"$LAB_DIR/mkcpio.py" --file "lab/$1/Image=$(kernel_dir "$1")/Image" \
		--file "lab/$1/guest.cpio=$OUT/guest.cpio" "$OUT/images.cpio"
	rm "$OUT/guest.cpio"
}

# --- declarations -------------------------------------------------------------

# The policy module, as seen from $LAB_DIR
POLICY=../../policy/xvirtiod.te

declare_stages() {
	local k x origin kernel
	origin="$(mirror) $SUITE $BACKPORTS"
	for x in "${!XEN_SUITE[@]}"; do
		stage "debs:$x" "" "$origin ${XEN_SUITE[$x]}" "$SYSROOT_PKGS" fetch_debs
		stage "source:xen-$x" "" "$origin ${XEN_SUITE[$x]}" fetch_source
		stage "sysroot:$x" "debs:$x" unpack_deb
		stage "flask:$x" "source:xen-$x"
		stage "xen:$x" "source:xen-$x" unpack_source xen.config
		stage "xen:$x-flask" "source:xen-$x" unpack_source xen.config flask.config "$POLICY"
	done
	stage source:fio "" "$origin" fetch_source
	stage source:linux "" "$origin" fetch_source
	stage fio "source:fio sysroot:$XEN_SERIES" unpack_source cross_cc
	stage klab source:linux klab.config
	for k in k612 k61 klab; do
		kernel=klab
		if [[ $k != klab ]]; then
			kernel=kernel:$k
			stage "kdeb:$k" "" "$origin" fetch_kernel
			stage "$kernel" "kdeb:$k" unpack_deb pickmods.py \
				"$MODULE_DIRS" "$DOM0_MODULES" "$GUEST_MODULES" "$DOMD_MODULES" \
				"$DOM0_LATER_MODULES" "$GUEST_LATER_MODULES" "$DOMD_LATER_MODULES"
		fi
		stage "guest:$k" "sysroot:$XEN_SERIES fio $kernel" mkcpio.py userland guest/init guest/agent \
			"$GUEST_PROGRAMS"
		for x in "${!XEN_SUITE[@]}"; do
			stage "dom0:$k-$x" "sysroot:$x fio $kernel" mkcpio.py userland dom0/init \
				dom0/guest dom0/block "$DOM0_PROGRAMS" "$DOM0_XEN_PROGRAMS"
			stage "domd:$k-$x" "sysroot:$x $kernel" mkcpio.py userland guest/init guest/agent \
				"$DOMD_PROGRAMS"
		done
	done
}

# images XEN KERNEL...: the stages that a run with these needs; XEN is a series,
# perhaps with "-flask"
images() {
	local k xen=$1
	shift
	printf 'xen:%s\n' "$xen"
	for k; do
		printf '%s\n' "dom0:$k-${xen%-flask}" "domd:$k-${xen%-flask}" "guest:$k"
	done
}

# setup XEN KERNEL...: make them
setup() {
	local wanted
	mapfile -t wanted < <(images "$@")
	stages_missing "${wanted[@]}" || return 0
	need_host_tools "$1"
	lock_setup
	set -m
	# Xen's build takes longest and needs only its own source; the rest goes
	# on beside it, downloads one after another because of apt's locks.
	if stages_missing "${wanted[0]}"; then
		ensure "source:xen-${1%-flask}"
		in_background ensure "${wanted[0]}"
	fi
	ensure "${wanted[@]:1}"
	finish_background
	set +m
	remove_outdated
	unlock_setup
}
