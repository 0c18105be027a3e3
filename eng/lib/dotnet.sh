# shellcheck shell=bash
# Restore and build, and nothing where nothing changed.

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

need_dotnet() {
  have dotnet || die "dotnet is missing: install the .NET SDK that global.json names ($(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$ROOT/global.json") or later)"
  (cd "$ROOT" && dotnet --version >/dev/null 2>&1) ||
    die "no installed .NET SDK satisfies global.json: install $(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$ROOT/global.json") or later"
}

# The sources as they lie on disk, not as committed: tracked and new files, by path, size and time. Cheap enough for every start.
# A tracked file that was deleted makes stat fail, and is a change like any other.
sources_fingerprint() {
  (cd "$ROOT" && {
    git ls-files -z --cached --others --exclude-standard 2>/dev/null ||
      find . \( -name .onceward -o -name bin -o -name obj -o -name node_modules \) -prune -o -type f -print0
  } | { xargs -0 stat -c '%n %s %Y' 2>/dev/null || true; } | grep -v '\.md ' | LC_ALL=C sort | sha256sum | cut -d' ' -f1)
}

# A registry may lack the exact librdkafka.redist; only then, and only for that, is it built here.
restore() {
  local log="$HOME_STATE/logs/restore.log"
  mkdir -p "$HOME_STATE/logs"
  dotnet restore "$ROOT/Onceward.slnx" >"$log" 2>&1 && return 0
  if grep -qE 'error NU110[0-9].*librdkafka\.redist' "$log"; then
    "$ROOT/eng/librdkafka/build.sh" || exit 1
    dotnet restore "$ROOT/Onceward.slnx" >"$log" 2>&1 && return 0
  fi
  grep -qi 'no space left' "$log" || grep -E 'error' "$log" | sort -u | head -5 >&2
  die_of "$log" "dotnet restore failed: is a NuGet registry reachable?"
}

# build — the whole solution in Release, unless the sources are those of the last successful build.
build() {
  need_dotnet
  mkdir -p "$HOME_STATE/logs"
  # One build at a time in a checkout: `test` may be started while `up` still builds.
  exec {BUILD_LOCK}>"$HOME_STATE/build.lock"
  flock "$BUILD_LOCK"
  without_lock build_if_changed
  exec {BUILD_LOCK}>&-
}

built() { # every project of the solution has an output folder
  local project
  while read -r project; do
    [ -d "$ROOT/$(dirname "$project")/bin/Release" ] || return 1
  done < <(sed -n 's/.*<Project Path="\([^"]*\)".*/\1/p' "$ROOT/Onceward.slnx")
}

build_if_changed() {
  local stamp="$HOME_STATE/build.stamp" log="$HOME_STATE/logs/build.log" now
  now=$(sources_fingerprint)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$now" ] && built; then return 0; fi
  rm -f "$stamp"
  step "restoring packages"
  restore
  step "building (Release)"
  compile "$log" || build_failed "$log"
  printf '%s\n' "$now" >"$stamp"
}

# compile LOG — with one compiler for all projects: started anew for each, it takes longer to load itself and the analyzers than to compile. It is known
# by its name and ended behind the build, since the launcher leaves no process that it does not know.
compile() {
  local name=onceward-$$-$RANDOM status=0
  dotnet build "$ROOT/Onceward.slnx" -c Release --no-restore -nodeReuse:false -p:UseSharedCompilation=true "-p:SharedCompilationId=$name" >"$1" 2>&1 || status=$?
  if have pkill; then pkill -f -- "-pipename:$name" || true; fi
  return "$status"
}

build_failed() { # LOG
  if grep -qi 'no space left' "$1"; then
    # The next build would take the half-written files for whole ones.
    rm -rf "$ROOT"/{src,apps,tests,tools,bench,samples}/{,*/,*/*/}obj
  else
    grep -E 'error' "$1" | sort -u | head -20 >&2
  fi
  die_of "$1" "the build failed"
}
