# shellcheck shell=bash
# Programs run from a copy of what was built, so that a later build never overwrites assemblies that a running process has mapped.

# stage PROJECT_DIRECTORY — prints the folder of the copy; the last build's fingerprint is part of its name.
stage() {
  local source=$ROOT/$1/bin/Release/net10.0 target
  target=$HOME_STATE/apps/$(cut -c1-16 "$HOME_STATE/build.stamp")/$(basename "$1")
  if [ ! -d "$target" ]; then
    [ -d "$source" ] || die "$1 is not built: is it in Onceward.slnx?"
    mkdir -p "$(dirname "$target")"
    rm -rf "$target.new.$$"
    mkdir -p "$HOME_STATE/logs"
    cp -a --reflink=auto "$source" "$target.new.$$" 2>"$HOME_STATE/logs/stage.log" || {
      rm -rf "$target.new.$$"
      die_of "$HOME_STATE/logs/stage.log" "cannot copy what was built to $target"
    }
    mv -T "$target.new.$$" "$target"
  fi
  printf '%s' "$target"
}

# stage_clean — copies of earlier builds; only `up` calls it, which knows that no program of ours runs.
stage_clean() {
  local keep
  keep=$(cut -c1-16 "$HOME_STATE/build.stamp")
  [ ! -d "$HOME_STATE/apps" ] || find "$HOME_STATE/apps" -mindepth 1 -maxdepth 1 ! -name "$keep" -exec rm -rf {} +
}
