# shellcheck shell=bash
# usage: help                                    prints this

# main [--unknown] — with --unknown it is an answer to a mistake: to standard error, exit 2.
main() {
  if [ "${1:-}" = --unknown ]; then
    usage >&2
    exit 2
  fi
  usage
}

usage() {
  say "usage: ./onceward VERB"
  say
  sed -n 's/^# usage: /  /p' "$ROOT"/eng/verbs/*.sh
}
