# shellcheck shell=bash
# usage: parked …                                keys that failed and wait: list, show, retry, discard, edit

main() { onceward_tool parked "$@"; }
