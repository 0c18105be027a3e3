# shellcheck shell=bash
# What has to be on the machine. Each function installs only what is missing, and says in one line what it cannot install.

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# need_packages PACKAGE… — Debian packages, from whatever registry apt is set up with.
need_packages() {
  have dpkg-query || return 0 # Another distribution: whoever called checks for the thing itself and says what is missing.
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! is_root || ! have apt-get; then
    die "missing packages: run  sudo apt-get install ${missing[*]}  and start again"
  fi

  step "installing ${missing[*]}"
  local log="$HOME_STATE/logs/apt.log"
  mkdir -p "$HOME_STATE/logs"
  # Lists as the image came may name versions the registry no longer has; a refresh costs seconds and only happens here.
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 ||
    die_of "$log" "apt-get could not install ${missing[*]}: $(grep -m1 '^E:' "$log")"
}

# need_command COMMAND PACKAGE… — installs the packages if the command is not there.
need_command() {
  local command=$1
  shift
  have "$command" && return 0
  need_packages "$@"
  have "$command" || die "'$command' is missing: install it (Debian: $*) and start again"
}

need_java() { have java || { [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ]; } || die "java is missing, and Apache Kafka at KAFKA_HOME needs it: install Java 17 or later"; }

need_node() {
  need_command node nodejs
  need_command npm npm
}

# need_npm_packages DIRECTORY — what its lock file says, again only when that changes.
need_npm_packages() {
  local stamp=$1/node_modules/.lock.sha256 want
  want=$(sha256sum <"$1/package-lock.json")
  [ "$(cat "$stamp" 2>/dev/null)" != "$want" ] || return 0
  need_node
  step "npm ci in ${1#"$ROOT/"}"
  npm ci --prefix "$1" --no-audit --no-fund >"$HOME_STATE/logs/npm.log" 2>&1 ||
    die_of "$HOME_STATE/logs/npm.log" "npm ci failed in $1: $(grep -m1 -i 'err' "$HOME_STATE/logs/npm.log")"
  printf '%s\n' "$want" >"$stamp"
}
