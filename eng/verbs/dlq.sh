# shellcheck shell=bash
# usage: dlq …                                   dead letters: list, show, retry, discard, edit

main() { onceward_tool dlq "$@"; }
